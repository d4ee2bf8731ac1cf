import { bool, definePlugin, type Draft, type Fault, type Refusal, z } from "../../core/plugin.ts"
import { createCleaner, textFaults } from "./clean.ts"
import { phoneFinding } from "./diagnose.ts"
import { createUrlGuard } from "./media-url.ts"
import { compilePattern, isPattern } from "./pattern.ts"
import { wrongPhones } from "./people.ts"
import { createCallingCodes, createPhoneReader } from "./phone.ts"
import { createResolver } from "./resolve.ts"

const ANY_PHONE = "^[0-9]{10,15}$"

const pattern = z.string().refine(isPattern, {
  error: "expected a regular expression in RE2 syntax, without look-around and back-references",
})

export default definePlugin({
  name: "validation",
  description:
    "Checks company ids, recipients, texts and media URLs, writes phone numbers in one form, and cleans texts.",
  config: z.object({
    validateCompany: bool.default(true).describe("Check company ids against the pattern"),
    companyIdPattern: pattern.default("^[a-zA-Z0-9_-]+$").describe("Company ID pattern"),
    allowedPhonePattern: pattern.default(ANY_PHONE).describe("Allowed phone pattern, on the digits"),
    sanitize: bool.default(true).describe("Remove script tags and javascript: URLs from texts"),
    resolveNumbers: bool
      .default(true)
      .describe("Ask WhatsApp once which spelling of a Brazilian, Mexican or Argentine number has the account"),
  }),
  env: {
    WHATSAPP_VALIDATE_COMPANY: "validateCompany",
    WHATSAPP_COMPANY_ID_PATTERN: "companyIdPattern",
    WHATSAPP_ALLOWED_PHONE_PATTERN: "allowedPhonePattern",
    WHATSAPP_SANITIZE: "sanitize",
    WHATSAPP_RESOLVE_NUMBERS: "resolveNumbers",
  },
  errors: {
    URL_CHECKS_BUSY: {
      status: 429,
      message: "Too many media URLs of this company are being checked; try again",
      retryable: true,
      stage: "message:validate",
    },
  },

  setup({ config, on, reject, egress, clock, ...rest }) {
    const companyAllowed = compilePattern(config.companyIdPattern)
    const phoneAllowed = compilePattern(config.allowedPhonePattern)
    const anyPhone = config.allowedPhonePattern === ANY_PHONE
    const readPhone = createPhoneReader()
    const hasCountry = createCallingCodes()
    const clean = createCleaner(config.sanitize)
    const urls = createUrlGuard({ egress, clock })

    if (config.validateCompany) {
      on("company:validate", ({ company }) => (companyAllowed(company) ? undefined : reject("INVALID_COMPANY_ID")))
    }

    on("message:prepare", (draft) => clean(normalise(draft)))

    on("message:validate", ({ company, message, faults, paths }) => {
      const own = [
        ...recipientFaults(message, paths.recipient),
        ...phoneFaults(message),
        ...textFaults(message.content),
      ]
      // A part that core has refused holds a stand-in.
      const all = [...faults, ...own.filter(({ path }) => !faults.some((fault) => fault.path === path))]
      if (all.length > 0) return refusal(all)
      const url = "media" in message.content && "url" in message.content.media ? message.content.media.url : undefined
      return url === undefined ? undefined : judged(company, url, paths.media)
    })

    const numbers = config.resolveNumbers ? createResolver({ ...rest, clock, allowed: phoneAllowed }) : undefined

    on("message:diagnose", ({ company, message }) =>
      phoneFinding(company, message, recipientFaults(message, "phone"), numbers),
    )

    if (numbers !== undefined) {
      const moved = (draft: Draft, phone: string): Draft => ({ ...draft, to: { kind: "phone", phone } })
      on("message:address", (draft, { company }) => {
        if (draft.to.kind !== "phone") return draft
        const { phone } = draft.to
        const found = numbers.resolve(company, phone)
        if (typeof found !== "string") return found.then((spelling) => moved(draft, spelling))
        return found === phone ? draft : moved(draft, found)
      })
      on("message:received", async ({ message: { companyId, phone, origin, group } }) => {
        if (phone !== null && group === null && origin === "contact") await numbers.seen(companyId, phone)
      })
      on("message:failed", async ({ message: { companyId, phone, error } }) => {
        if (phone !== null && error?.code === "NOT_ON_WHATSAPP") await numbers.missed(companyId, phone)
      })
    }

    const refusal = (faults: readonly Fault[]): Refusal => {
      const [only, ...others] = faults
      if (only === undefined || others.length > 0) return reject("VALIDATION_ERROR", { details: faults })
      return reject(only.code as "VALIDATION_ERROR", { details: faults })
    }

    const judged = async (company: string, url: string, path: string): Promise<Refusal | undefined> => {
      const verdict = await urls.judge(company, url, path)
      if (verdict === "busy") return reject("URL_CHECKS_BUSY", { retryAfter: 1 })
      return verdict && refusal([verdict])
    }

    const normalise = (draft: Draft): Draft => {
      const { to } = draft
      if (to.kind !== "phone" || to.phone === "") return draft
      const { phone } = readPhone(to.phone)
      return phone === to.phone ? draft : { ...draft, to: { kind: "phone", phone } }
    }

    const recipientFaults = ({ to }: Draft, path: string): readonly Fault[] => {
      if (to.kind === "group") return []
      const digits = to.phone
      if (digits === undefined) return anyPhone ? [] : [phoneFault(path, UNKNOWN_LID)]
      if (!readPhone(digits).dialable) return [phoneFault(path, NO_COUNTRY)]
      return phoneAllowed(digits) ? [] : [phoneFault(path, NOT_ALLOWED)]
    }

    const phoneFaults = ({ content }: Draft): readonly Fault[] =>
      wrongPhones(content, hasCountry).map((path) => phoneFault(path, NO_COUNTRY))
  },
})

const UNKNOWN_LID = "The phone behind this LID is not known, so that it cannot be checked against the allowed pattern"
const NO_COUNTRY = "No country has this calling code; write the number internationally, such as +79001234567"
const NOT_ALLOWED = "The number does not match the allowed pattern; write it internationally, with its country code"

const phoneFault = (path: string, message: string): Fault => ({ path, code: "INVALID_PHONE", message })
