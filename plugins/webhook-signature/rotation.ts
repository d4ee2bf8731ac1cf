import { type ApiRoute, type CompaniesView, type PluginContext, z } from "../../core/plugin.ts"
import { toBase64 } from "./base64.ts"
import { type CompanySecret, newestOf, PREFIX, type Rotated } from "./secrets.ts"

const SECRET_BYTES = 32
const DAY_S = 86_400
const MOST_S = 7 * DAY_S
const OVERLAP = `expected whole seconds from 0 to ${MOST_S}`

const made = z.object({
  success: z.literal(true),
  data: z.object({
    companyId: z.string(),
    secret: z.string().openapi({ description: "Shown this once", example: `${PREFIX}…` }),
    formerValidUntil: z.iso
      .datetime()
      .nullable()
      .openapi({ description: "Null: there is none, or it is not valid any more" }),
  }),
})

export interface RotationDeps {
  readonly companies: CompaniesView
  readonly system: PluginContext<unknown, never>["system"]
  readonly clock: PluginContext<unknown, never>["clock"]
  readonly reject: PluginContext<unknown, "NOT_FOUND">["reject"]
  /** The server-wide secrets, newest first. */
  readonly server: readonly string[]
}

const spec = {
  method: "post",
  path: "/api/whatsapp/companies/{companyId}/webhook-secret",
  scope: "admin",
  company: "path",
  summary: "Make the secret with which another system signs its calls",
  description:
    "The new secret is shown once and counts at once; the one before it stays valid for the overlap, so that no call is refused while the other system changes over. Called twice, the first of three is gone.",
  tag: "Webhooks",
  params: z.object({ companyId: z.string() }),
  body: z.strictObject({
    companyId: z.string().nullish(),
    overlapSeconds: z
      .int({ error: OVERLAP })
      .min(0, { error: OVERLAP })
      .max(MOST_S, { error: OVERLAP })
      .default(DAY_S)
      .openapi({ description: "How long the former secret stays valid; 0 ends it at once" }),
  }),
  bodyOptional: true,
  responses: { 201: { description: "The new secret", schema: made } },
  errors: ["NOT_FOUND", "STORAGE_UNAVAILABLE"],
} as const

/** A secret of our own making takes the place of the company's. */
export function rotationRoute({ companies, system, clock, reject, server }: RotationDeps): ApiRoute<typeof spec> {
  return {
    spec,
    async handle({ call, body }) {
      const { company } = call
      if (!(await companies.exists(company))) return reject("NOT_FOUND", { message: "This company does not exist" })
      const secret = `${PREFIX}${toBase64(system.randomBytes(SECRET_BYTES))}`
      const until = clock.now() + body.overlapSeconds * 1_000
      let overlaps = false
      await companies.change(call, ({ webhookSecret }) => {
        const former = newestOf((webhookSecret ?? undefined) as CompanySecret | undefined) ?? null
        overlaps = body.overlapSeconds > 0 && (former !== null || server.length > 0)
        const next: CompanySecret = overlaps ? ({ newest: secret, former, until } satisfies Rotated) : secret
        return { webhookSecret: next }
      })
      const formerValidUntil = overlaps ? new Date(until).toISOString() : null
      return Response.json({ success: true, data: { companyId: company, secret, formerValidUntil } }, { status: 201 })
    },
  }
}
