import type { Draft, Fault, Finding } from "../../core/plugin.ts"
import type { Resolver } from "./resolve.ts"

/** What is said of a recipient: as a send would judge it, and with the spelling to which it would go. */
export async function phoneFinding(
  company: string,
  { to }: Draft,
  [fault]: readonly Fault[],
  numbers: Resolver | undefined,
): Promise<Finding> {
  const check = "phone"
  if (fault !== undefined) return { check, ok: false, detail: fault.message }
  if (to.kind === "group") return { check, ok: true, detail: "A group: its id is what a message goes to" }
  if (to.kind === "lid") {
    const known = to.phone === undefined ? "whose phone is not known" : `which stands for ${to.phone}`
    return { check, ok: true, detail: `A LID, ${known}` }
  }
  const { phone, onWhatsApp } = (await numbers?.look(company, to.phone)) ?? { phone: to.phone, onWhatsApp: undefined }
  const detail =
    phone === to.phone
      ? `Understood as ${phone}`
      : `Understood as ${to.phone}, which WhatsApp knows as ${phone}: a message goes there`
  return { check, ok: true, detail, phone, ...(onWhatsApp !== undefined && { onWhatsApp }) }
}
