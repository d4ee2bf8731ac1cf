import type { Faults, Fields } from "./fields.ts"
import type { SendType } from "./content.ts"

/**
 * Fields that carry what a message says. One that stands in a message of another type would be lost without a word, which
 * is worse than a refusal; any other field that a type does not know is passed over.
 */
const BELONGS: readonly (readonly [field: string, types: readonly SendType[]])[] = [
  ["message", ["text", "edit"]],
  ["mentions", ["text"]],
  ["media", ["image", "video", "audio", "voice", "document", "sticker"]],
  ["mediaUrl", []],
  ["caption", ["image", "video", "document"]],
  ["filename", ["image", "video", "audio", "voice", "document", "sticker"]],
  ["latitude", ["location"]],
  ["longitude", ["location"]],
  ["contacts", ["contact"]],
  ["options", ["poll"]],
  ["emoji", ["reaction"]],
]

const ADVICE: Readonly<Record<string, string>> = {
  message: "; the text beside an attachment goes into `caption`",
  mediaUrl: "; put the URL into `media.url`, or use /send-media",
}

/** `short`: the attachment is named in `mediaUrl` instead of `media`. */
export function findStrays(body: Fields, type: SendType, short: boolean, faults: Faults): void {
  for (const [field, types] of BELONGS) {
    const value = body[field]
    if (value === undefined || value === null || value === "" || (Array.isArray(value) && value.length === 0)) continue
    const swapped = short && (field === "media" || field === "mediaUrl")
    if (swapped ? field === "mediaUrl" : types.includes(type)) continue
    faults.add(field, "VALIDATION_ERROR", `A message of type ${type} has no \`${field}\`${ADVICE[field] ?? ""}`)
  }
}
