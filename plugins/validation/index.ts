import { bool, definePlugin, type Draft, type Fault, z } from "../../core/plugin.ts"
import { compilePattern, isPattern } from "./pattern.ts"
import { createPhoneReader } from "./phone.ts"
import { removeControls, removeScripts } from "./sanitize.ts"

const ANY_PHONE = "^[0-9]{10,15}$"
const LONGEST_TEXT = 65_536

const pattern = z.string().refine(isPattern, {
  error: "expected a regular expression in RE2 syntax, without look-around and back-references",
})

export default definePlugin({
  name: "validation",
  description: "Checks company ids, recipients and texts, writes phone numbers in one form, and cleans texts.",
  config: z.object({
    validateCompany: bool.default(true).describe("Check company ids against the pattern"),
    companyIdPattern: pattern.default("^[a-zA-Z0-9_-]+$").describe("Company ID pattern"),
    allowedPhonePattern: pattern.default(ANY_PHONE).describe("Allowed phone pattern, on the digits"),
    sanitize: bool.default(true).describe("Remove script tags and javascript: URLs from texts"),
  }),
  env: {
    WHATSAPP_VALIDATE_COMPANY: "validateCompany",
    WHATSAPP_COMPANY_ID_PATTERN: "companyIdPattern",
    WHATSAPP_ALLOWED_PHONE_PATTERN: "allowedPhonePattern",
    WHATSAPP_SANITIZE: "sanitize",
  },

  setup({ config, on, reject }) {
    const companyAllowed = compilePattern(config.companyIdPattern)
    const phoneAllowed = compilePattern(config.allowedPhonePattern)
    const anyPhone = config.allowedPhonePattern === ANY_PHONE
    const readPhone = createPhoneReader()

    if (config.validateCompany) {
      on("company:validate", ({ company }) => (companyAllowed(company) ? undefined : reject("INVALID_COMPANY_ID")))
    }

    on("message:prepare", (draft) => clean(normalise(draft)))

    on("message:validate", ({ message, faults }) => {
      const all = [...faults]
      const add = (fault: Fault | undefined, ...fields: readonly string[]): void => {
        if (fault !== undefined && !faults.some(({ path }) => fields.includes(path))) all.push(fault)
      }
      add(recipientFault(message), "phone", "to")
      add(textFault(message), "message")
      const [only] = all
      if (only === undefined) return undefined
      if (all.length > 1) return reject("VALIDATION_ERROR", { details: all })
      return reject(only.code as "VALIDATION_ERROR", { details: all })
    })

    const normalise = (draft: Draft): Draft => {
      const { to } = draft
      if (to.kind !== "phone" || to.phone === "") return draft
      const { phone } = readPhone(to.phone)
      return phone === to.phone ? draft : { ...draft, to: { kind: "phone", phone } }
    }

    const clean = (draft: Draft): Draft => {
      if (draft.content.type !== "text") return draft
      const bare = removeControls(draft.content.text)
      const text = config.sanitize ? removeScripts(bare) : bare
      return text === draft.content.text ? draft : { ...draft, content: { type: "text", text }, sanitized: true }
    }

    const recipientFault = ({ to }: Draft): Fault | undefined => {
      if (to.kind === "group") return undefined
      const digits = to.phone
      if (digits === undefined) return anyPhone ? undefined : phoneFault(UNKNOWN_LID)
      if (!readPhone(digits).dialable) return phoneFault(NO_COUNTRY)
      return phoneAllowed(digits) ? undefined : phoneFault(NOT_ALLOWED)
    }
  },
})

const UNKNOWN_LID = "The phone behind this LID is not known, so that it cannot be checked against the allowed pattern"
const NO_COUNTRY = "No country has this calling code; write the number internationally, such as +79001234567"
const NOT_ALLOWED = "The number does not match the allowed pattern; write it internationally, with its country code"

const phoneFault = (message: string): Fault => ({ path: "phone", code: "INVALID_PHONE", message })

function textFault({ content }: Draft): Fault | undefined {
  if (content.type !== "text") return undefined
  const fault = (message: string): Fault => ({ path: "message", code: "INVALID_MESSAGE", message })
  if (content.text.trim() === "") return fault("Nothing is left of the text to send")
  if (content.text.length <= LONGEST_TEXT || Array.from(content.text).length <= LONGEST_TEXT) return undefined
  return fault(`Expected at most ${LONGEST_TEXT} characters`)
}
