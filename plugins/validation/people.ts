import type { Draft } from "../../core/plugin.ts"

/** The paths of the phones that a message speaks of, beside the one it goes to, and that are in no country. */
export function wrongPhones(content: Draft["content"], hasCountry: (digits: string) => boolean): readonly string[] {
  if (content.type === "text") {
    if (content.mentions === undefined) return []
    return content.mentions.flatMap((one, index) =>
      one.kind === "phone" && !hasCountry(one.phone) ? [`mentions[${index}]`] : [],
    )
  }
  if (content.type !== "contact") return []
  return content.contacts.flatMap(({ phoneNumber }, index) =>
    hasCountry(phoneNumber) ? [] : [`contacts[${index}].phoneNumber`],
  )
}
