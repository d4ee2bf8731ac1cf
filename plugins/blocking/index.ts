import { definePlugin, type Draft, list, type PersonOnTheLine, z } from "../../core/plugin.ts"
import { createCompanyList } from "./company-list.ts"
import { type BlockedBy, blockedFinding } from "./diagnose.ts"
import { mountImport } from "./import.ts"
import { entriesIn, MOST_ENTRIES, readNumbers } from "./listing.ts"
import { type Blocklist, compileList } from "./numbers.ts"
import { MOST_FAULTS, mountBlocklist } from "./routes.ts"

const SPELLING = "numbers in international spelling, or ids ending in @s.whatsapp.net, @c.us or @lid"

/** Takes any spelling and gives the entries, each once; a fault names the place and never the number. */
const numbers = (values: readonly unknown[], context: z.core.$RefinementCtx): string[] => {
  const { entries, bad } = readNumbers(values)
  for (const { line, message } of bad.slice(0, MOST_FAULTS)) {
    context.addIssue({ code: "custom", path: [line - 1], message, input: undefined })
  }
  return [...entries]
}

export default definePlugin({
  name: "blocking",
  description: "Refuses messages to blocked numbers, and drops those from them.",
  after: ["validation"],
  config: z.object({
    blockedNumbers: list
      .transform((texts, context) => {
        const { entries, bad } = readNumbers(texts)
        if (bad.length > 0) {
          const places = bad.slice(0, MOST_FAULTS).map(({ line }) => line)
          const message = `expected ${SPELLING}, comma-separated; wrong at place ${places.join(", ")}`
          context.addIssue({ code: "custom", message, input: undefined })
        }
        return [...entries]
      })
      .default([])
      .describe("Numbers that no company writes to or hears, comma-separated"),
  }),
  env: { WHATSAPP_BLOCKED_NUMBERS: "blockedNumbers" },
  errors: { PHONE_BLOCKED: { status: 403, message: "This number is blocked", stage: "message:block" } },
  companySettings: {
    blockedNumbers: {
      schema: z
        .array(z.unknown(), { error: `expected a list of ${SPELLING}` })
        .max(MOST_ENTRIES, { error: `expected at most ${MOST_ENTRIES} numbers` })
        .transform(numbers)
        .openapi({ type: "array", items: { type: "string" }, maxItems: MOST_ENTRIES, example: ["79001234567"] }),
      description: `Numbers that the company neither writes to nor hears: ${SPELLING}`,
    },
  },

  setup({ config, on, reject, route, companies, clock }) {
    const ofHouse = compileList(config.blockedNumbers)
    const compiled = new WeakMap<object, Blocklist>()

    const ofCompany = (settings: Readonly<Record<string, unknown>>): Blocklist => {
      const known = compiled.get(settings)
      if (known !== undefined) return known
      const made = compileList(entriesIn(settings))
      compiled.set(settings, made)
      return made
    }

    const blockedBy = ({ company, person, message }: Somebody): BlockedBy | Promise<BlockedBy> => {
      if (stands(ofHouse, person, message)) return "server"
      const judge = (settings: Readonly<Record<string, unknown>>) =>
        stands(ofCompany(settings), person, message) ? "company" : null
      const settings = companies.settings(company)
      return settings instanceof Promise ? settings.then(judge) : judge(settings)
    }

    on("message:block", (somebody) => {
      const verdict = (by: BlockedBy) => (by === null ? undefined : reject("PHONE_BLOCKED"))
      const by = blockedBy(somebody)
      return by instanceof Promise ? by.then(verdict) : verdict(by)
    })

    on("message:diagnose", async (imagined) => blockedFinding(await blockedBy(imagined)))

    const list = createCompanyList(companies)
    mountBlocklist({ route, reject, clock }, list)
    mountImport({ route, reject, clock }, list)
  },
})

interface Somebody {
  readonly company: string
  readonly person: PersonOnTheLine
  readonly message: Draft | null
}

/** By any name of the person. What the message itself is addressed to can say more than what is known of its chat. */
function stands(list: Blocklist, { phone, lid }: PersonOnTheLine, message: Draft | null): boolean {
  if (list.size === 0) return false
  if (phone !== null && list.hasPhone(phone)) return true
  if (lid !== null && list.hasLid(lid)) return true
  const to = message?.to
  if (to === undefined || to.kind === "group") return false
  if (to.phone !== undefined && to.phone !== phone && list.hasPhone(to.phone)) return true
  return to.kind === "lid" && to.lid !== lid && list.hasLid(to.lid)
}
