import { type Faults, createFaults, isAbsent, readMessageId } from "./body/fields.ts"
import { readAttachment, readContent, SEND_TYPES, type SendType } from "./body/content.ts"
import { MEDIA_TYPES, readMediaUrl } from "./body/media.ts"
import { findStrays } from "./body/strays.ts"
import { parseRecipient, sameRecipient } from "./recipient.ts"
import type { Fault } from "../refusal.ts"
import type { FieldPaths } from "../stages.ts"
import type { Content, Draft, MediaType, Recipient } from "../types.ts"

/** What the body of a send says. Faulty parts of `draft` hold empty stand-ins, and `faults` names each of them. */
export interface Reading {
  readonly draft: Draft
  readonly faults: readonly Fault[]
  /** Where the caller wrote what can be written in several places. */
  readonly paths: FieldPaths
  /** A part of the request that is well-formed and not built yet, named for the answer. */
  readonly notBuilt: string | undefined
  /** How long the message may wait, in milliseconds. */
  readonly ttlMs: number
}

/** `media-url`: an attachment, and nothing else, whose URL stands in `mediaUrl`. */
export type SendForm = "any" | "media-url"

type Fields = Readonly<Record<string, unknown>>

export const DEFAULT_TTL_MS = 24 * 60 * 60 * 1000
/** Seconds; 30 days. */
export const LONGEST_TTL = 2_592_000

const RECIPIENT_HINT =
  "Write the phone internationally, such as +79001234567, or give an id ending in @s.whatsapp.net, @lid or @g.us"
/** These name the message they are about, and have no answer beside it. */
const WITHOUT_REPLY: ReadonlySet<string> = new Set(["edit", "delete"])

/** Reads the body of a send: every fault at once, none of them with an echo of the input. */
export function readDraft(body: Fields, form: SendForm = "any"): Reading {
  const faults = createFaults()
  const recipient = isAbsent(body.to) ? "phone" : "to"
  const to = readRecipient(body, recipient, faults)
  const type = readType(body.type, form, faults)
  const { content, path: media } = readSaid(body, type, form, faults)
  if (type !== undefined) findStrays(body, type, form === "media-url", faults)
  const replyTo = readReply(body.replyTo, type, faults)
  const draft = { to, content, ...(replyTo === undefined ? {} : { replyTo }) }
  return {
    draft,
    ttlMs: readTtl(body.ttl, faults),
    faults: faults.all,
    paths: { recipient, media },
    notBuilt: notBuilt(draft),
  }
}

function readSaid(
  body: Fields,
  type: SendType | undefined,
  form: SendForm,
  faults: Faults,
): { readonly content: Content; readonly path: FieldPaths["media"] } {
  const path = form === "any" ? "media.url" : "mediaUrl"
  if (type === undefined) return { content: { type: "unsupported" }, path }
  if (!isMedia(type)) return { content: readContent(body, type, faults), path }
  return readAttachment(body, type, faults, form === "any" ? undefined : (fields) => readMediaUrl(fields, faults))
}

function readRecipient(body: Fields, path: "phone" | "to", faults: Faults): Recipient {
  const none: Recipient = { kind: "phone", phone: "" }
  const value = body[path]
  if (isAbsent(value)) {
    faults.add(path, "INVALID_PHONE", "Name the recipient in `phone` or `to`")
    return none
  }
  const to = parseRecipient(value)
  if (to === undefined) {
    faults.add(path, "INVALID_PHONE", RECIPIENT_HINT)
    return none
  }
  if (path === "to" && !isAbsent(body.phone)) {
    const other = parseRecipient(body.phone)
    if (other === undefined || !sameRecipient(to, other))
      faults.add("phone", "INVALID_PHONE", "`phone` and `to` name different recipients; give one")
  }
  return to
}

function readType(value: unknown, form: SendForm, faults: Faults): SendType | undefined {
  if (isAbsent(value) && form === "any") return "text"
  if (typeof value === "string" && SEND_TYPES.has(value)) {
    const type = value as SendType
    if (form === "any" || isMedia(type)) return type
  }
  const known = form === "any" ? [...SEND_TYPES] : MEDIA_TYPES
  faults.add("type", "VALIDATION_ERROR", `Expected one of ${known.join(", ")}`)
  return undefined
}

function readReply(value: unknown, type: SendType | undefined, faults: Faults): string | undefined {
  if (isAbsent(value)) return undefined
  if (type !== undefined && WITHOUT_REPLY.has(type)) {
    faults.add("replyTo", "VALIDATION_ERROR", `A message of type ${type} has no \`replyTo\``)
    return undefined
  }
  return readMessageId(value, "replyTo", faults)
}

function readTtl(value: unknown, faults: Faults): number {
  if (isAbsent(value)) return DEFAULT_TTL_MS
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= LONGEST_TTL) return value * 1000
  faults.add("ttl", "VALIDATION_ERROR", `Expected whole seconds from 1 to ${LONGEST_TTL}`)
  return DEFAULT_TTL_MS
}

/** Options that would change what is sent are never passed over in silence. */
function notBuilt({ content, replyTo }: Draft): string | undefined {
  if (content.type !== "text") return `Messages of type ${content.type}`
  if (content.mentions !== undefined) return "Mentions"
  if (replyTo !== undefined) return "Replies"
  return content.linkPreview === true ? "Link previews" : undefined
}

const isMedia = (type: SendType): type is MediaType => (MEDIA_TYPES as readonly string[]).includes(type)
