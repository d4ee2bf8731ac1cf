import type { Draft } from "../../core/plugin.ts"
import type { KnownPhone } from "./phone.ts"

type Content = Draft["content"]
type ReadPhone = (digits: string) => KnownPhone

/** The phones that a message speaks of, beside the one it goes to. */

/** The content with its phones in their one form; the same when they are. */
export function withPlainPhones(content: Content, read: ReadPhone): Content {
  if (content.type === "text") {
    const { mentions } = content
    if (mentions === undefined) return content
    return {
      ...content,
      mentions: mentions.map((one) =>
        one.kind === "phone" && one.phone !== "" ? { ...one, phone: read(one.phone).phone } : one,
      ),
    }
  }
  if (content.type !== "contact") return content
  return {
    ...content,
    contacts: content.contacts.map((card) =>
      card.phoneNumber === "" ? card : { ...card, phoneNumber: read(card.phoneNumber).phone },
    ),
  }
}

/** Each phone that cannot be one, by its path. */
export function wrongPhones(content: Content, read: ReadPhone): readonly string[] {
  if (content.type === "text") {
    return (content.mentions ?? []).flatMap((one, index) =>
      one.kind === "phone" && !read(one.phone).dialable ? [`mentions[${index}]`] : [],
    )
  }
  if (content.type !== "contact") return []
  return content.contacts.flatMap(({ phoneNumber }, index) =>
    read(phoneNumber).dialable ? [] : [`contacts[${index}].phoneNumber`],
  )
}
