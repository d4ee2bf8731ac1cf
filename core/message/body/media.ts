import type { MediaSource, MediaType } from "../../types.ts"
import { type Faults, type Fields, fieldsOf, isAbsent } from "./fields.ts"

/** Attachments: where they come from, and what kind they say they are. Nothing is fetched or decoded here. */

interface Kind {
  readonly takes: RegExp
  readonly such: string
}

/** What each type of message takes; voice messages and stickers play nowhere in another format. */
const KINDS: Readonly<Record<MediaType, Kind>> = {
  image: { takes: /^image\//, such: "image/jpeg" },
  video: { takes: /^video\//, such: "video/mp4" },
  audio: { takes: /^audio\//, such: "audio/mpeg" },
  voice: { takes: /^audio\/ogg$/, such: "audio/ogg; codecs=opus" },
  document: { takes: /^/, such: "application/pdf" },
  sticker: { takes: /^image\/webp$/, such: "image/webp" },
}

export const MEDIA_TYPES: readonly MediaType[] = ["image", "video", "audio", "voice", "document", "sticker"]

const LONGEST_URL = 8_192
const LONGEST_MIMETYPE = 200
const NAME = "[a-z0-9][a-z0-9!#$&^_.+-]*"
const PARAMETER = `[a-z0-9_-]+=(?:${NAME}|"[^"\\\\\\p{Cc}]*")`
const MIMETYPE = new RegExp(`^${NAME}/${NAME}(?:\\s*;\\s*${PARAMETER})*$`, "iu")
const OUTSIDE_BASE64 = /[^A-Za-z0-9+/]/

/** `path` is where the caller wrote the URL; faults and later checks name it. */
export interface MediaReading {
  readonly media: MediaSource
  readonly path: "media.url" | "mediaUrl"
}

const NOTHING: MediaSource = { base64: "", mimetype: "" }

/** `media: { url } | { base64, mimetype }`. */
export function readMedia(body: Fields, type: MediaType, faults: Faults): MediaReading {
  const media = fieldsOf(body.media)
  const path = "media.url"
  if (media === null) {
    faults.add("media", "VALIDATION_ERROR", "Expected the attachment as { url } or { base64, mimetype }")
    return { media: NOTHING, path }
  }
  const { url, base64 } = media
  if (isAbsent(url) === isAbsent(base64)) {
    faults.add("media", "VALIDATION_ERROR", "Expected either `url`, or `base64` with its `mimetype`")
    return { media: NOTHING, path }
  }
  if (!isAbsent(base64)) return { media: readBase64(base64, media.mimetype, type, faults), path }
  const mimetype = isAbsent(media.mimetype) ? undefined : readMimetype(media.mimetype, type, faults)
  const source = readUrl(url, path, faults)
  return { media: mimetype === undefined ? source : { ...source, mimetype }, path }
}

/** `mediaUrl`, the short form. */
export function readMediaUrl(body: Fields, faults: Faults): MediaReading {
  const path = "mediaUrl"
  return { media: readUrl(body.mediaUrl, path, faults), path }
}

function readUrl(value: unknown, path: string, faults: Faults): { readonly url: string } {
  if (typeof value === "string" && value.length <= LONGEST_URL && isWebUrl(value)) return { url: value }
  faults.add(path, "INVALID_MEDIA_URL", "Expected a whole URL that begins with https:// or http://")
  return { url: "" }
}

export function isWebUrl(text: string): boolean {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) return false
  const { protocol } = new URL(text)
  return protocol === "https:" || protocol === "http:"
}

/** Only looked over: whoever sends it decodes it. */
function readBase64(value: unknown, given: unknown, type: MediaType, faults: Faults): MediaSource {
  const { text, mimetype } = apart(value)
  if (text === undefined || !isBase64(text)) {
    const message = "Expected base64 in its standard alphabet, without line breaks, of at least one byte"
    faults.add("media.base64", "VALIDATION_ERROR", message)
  }
  if (mimetype !== undefined && !isAbsent(given) && kindOf(given) !== kindOf(mimetype)) {
    const message = "The mimetype differs from the one in the data: URL; give one of them"
    faults.add("media.mimetype", "VALIDATION_ERROR", message)
    return NOTHING
  }
  const read = readMimetype(isAbsent(given) ? mimetype : given, type, faults)
  return { base64: text ?? "", mimetype: read ?? "" }
}

/** Browsers and other tools put `data:image/png;base64,` in front. */
function apart(value: unknown): { readonly text?: string; readonly mimetype?: string } {
  if (typeof value !== "string") return {}
  if (!value.startsWith("data:")) return { text: value }
  const comma = value.indexOf(",")
  const head = value.slice("data:".length, comma)
  if (comma < 0 || head.length > LONGEST_MIMETYPE || !head.endsWith(";base64")) return {}
  return { text: value.slice(comma + 1), mimetype: head.slice(0, -";base64".length) }
}

function isBase64(text: string): boolean {
  const end = text.indexOf("=")
  const length = end < 0 ? text.length : end
  const padding = text.length - length
  if (length === 0 || padding > 2 || (padding === 2 && !text.endsWith("=="))) return false
  if (padding > 0 && text.length % 4 !== 0) return false
  return length % 4 !== 1 && !OUTSIDE_BASE64.test(padding === 0 ? text : text.slice(0, length))
}

function readMimetype(value: unknown, type: MediaType, faults: Faults): string | undefined {
  const { takes, such } = KINDS[type]
  const whole = typeof value === "string" && value.length <= LONGEST_MIMETYPE && MIMETYPE.test(value)
  if (whole && takes.test(kindOf(value))) return value
  const message = `Expected a mimetype that fits a message of type ${type}, such as ${such}`
  faults.add("media.mimetype", "VALIDATION_ERROR", message)
  return undefined
}

/** Without parameters, such as `; codecs=opus`. */
function kindOf(value: unknown): string {
  return typeof value === "string" ? (value.slice(0, LONGEST_MIMETYPE).split(";")[0] ?? "").trim().toLowerCase() : ""
}
