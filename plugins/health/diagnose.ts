import { type Foresight, type PluginContext, z } from "../../core/plugin.ts"
import { type Asked, diagnose } from "./diagnosis.ts"
import { createQuestions } from "./questions.ts"
import { tag } from "./routes.ts"

const body = z.looseObject({
  companyId: z
    .string()
    .nullish()
    .openapi({ description: "The company the call is for; required in multi-tenant mode", example: "company-123" }),
  phone: z
    .unknown()
    .optional()
    .openapi({ type: "string", description: "The recipient, as in a send", example: "79001234567" }),
})

const answer = z.object({
  success: z.literal(true),
  data: z.object({
    companyId: z.string(),
    phone: z.string().nullable().openapi({ description: "Where a message would go; null when that cannot be read" }),
    wouldSend: z.boolean().openapi({ description: "A message sent now would go out at once" }),
    summary: z.string().openapi({ description: "One sentence", example: "A message would go out at once" }),
    findings: z
      .array(z.object({ check: z.string(), ok: z.boolean(), detail: z.string() }))
      .openapi({ description: "Each thing that was looked at, always in the same order" }),
  }),
})

type Context = Pick<
  PluginContext<unknown, "INVALID_PHONE">,
  "route" | "reject" | "foresee" | "sessions" | "companies" | "clock" | "atomic"
>

/** How long a line has to answer to somebody who waits. */
const PROOF_MS = 5_000
const MISSING = "Name the recipient in `phone`"

export function mountDiagnose(context: Context): void {
  const { route, reject, foresee, sessions, companies, clock } = context
  const questions = createQuestions(context)

  const prove = async (company: string): Promise<boolean | undefined> => {
    if (sessions.get(company)?.connected !== true) return undefined
    // Why it did not answer is not for the caller; that it did not is said.
    return sessions.prove(company, PROOF_MS).then(
      () => true,
      () => false,
    )
  }

  route({
    spec: {
      method: "post",
      path: "/api/whatsapp/diagnose",
      scope: "send",
      company: "body",
      summary: "Why a message would or would not get through",
      description:
        "Nothing is sent, stored or counted. The line is asked for a sign of life, and WhatsApp once whether it knows the number.",
      tag,
      body,
      responses: { 200: { description: "What a send would meet just now", schema: answer } },
      errors: ["INVALID_PHONE", "STORAGE_UNAVAILABLE", "PLUGIN_FAULT"],
    },
    async handle({ call, body: { phone } }) {
      if (phone === undefined || phone === null || phone === "") {
        const details = [{ path: "phone", code: "INVALID_PHONE", message: MISSING }]
        return reject("INVALID_PHONE", { message: MISSING, details })
      }
      const { company } = call
      const [seen, exists, proof] = await Promise.all([foresee(call, phone), companies.exists(company), prove(company)])
      const known = exists || seen.session !== undefined
      const asked: Asked = { company: known, proof, onWhatsApp: await questions.ask(company, seen, proof) }
      const data = { companyId: company, phone: nameOf(seen), ...diagnose(seen, asked, clock.now()) }
      return { success: true, data }
    },
  })
}

function nameOf({ recipient: { to } }: Foresight): string | null {
  if (to === null) return null
  if (to.kind === "group") return to.group
  return to.kind === "phone" ? to.phone : `${to.lid}@lid`
}
