import { parseRecipient, sameRecipient } from "./recipient.ts"
import type { Fault } from "../refusal.ts"
import type { Draft, Recipient } from "../types.ts"

/** What the body of a send says. Faulty parts of `draft` hold empty stand-ins, and `faults` names each of them. */
export interface Reading {
  readonly draft: Draft
  readonly faults: readonly Fault[]
  /** A part of the request that is well-formed and not built yet, named for the answer. */
  readonly notBuilt: string | undefined
  /** How long the message may wait, in milliseconds. */
  readonly ttlMs: number
}

type Fields = Readonly<Record<string, unknown>>

/** Characters of a text message, counted as people do. */
export const LONGEST_TEXT = 65_536
export const DEFAULT_TTL_MS = 24 * 60 * 60 * 1000
/** Seconds; 30 days. */
export const LONGEST_TTL = 2_592_000

const TYPES = new Set([
  "text",
  ...["image", "video", "audio", "voice", "document", "sticker"],
  ...["location", "contact", "poll", "reaction", "edit", "delete"],
])

/** Reads the body of a send: every fault at once, none of them with an echo of the input. */
export function readDraft(body: Fields): Reading {
  const faults: Fault[] = []
  const to = readRecipient(body, faults)
  const type = readType(body.type, faults)
  const text = type === "text" ? readText(body.message, faults) : ""
  return {
    draft: { to, content: { type: "text", text } },
    faults,
    notBuilt: notBuilt(body, type),
    ttlMs: readTtl(body.ttl, faults),
  }
}

function readRecipient(body: Fields, faults: Fault[]): Recipient {
  const none: Recipient = { kind: "phone", phone: "" }
  const path = body.to !== undefined && body.to !== null ? "to" : "phone"
  const value = body[path]
  if (value === undefined || value === null) {
    faults.push({ path, code: "INVALID_PHONE", message: "Name the recipient in `phone` or `to`" })
    return none
  }
  const to = parseRecipient(value)
  if (to === undefined) {
    faults.push({
      path,
      code: "INVALID_PHONE",
      message:
        "Write the phone internationally, such as +79001234567, or give an id ending in @s.whatsapp.net, @lid or @g.us",
    })
    return none
  }
  if (path === "to" && body.phone !== undefined && body.phone !== null) {
    const other = parseRecipient(body.phone)
    if (other === undefined || !sameRecipient(to, other)) {
      faults.push({
        path: "phone",
        code: "INVALID_PHONE",
        message: "`phone` and `to` name different recipients; give one",
      })
    }
  }
  return to
}

function readType(value: unknown, faults: Fault[]): string | undefined {
  if (value === undefined || value === null) return "text"
  if (typeof value === "string" && TYPES.has(value)) return value
  faults.push({ path: "type", code: "VALIDATION_ERROR", message: `Expected one of ${[...TYPES].join(", ")}` })
  return undefined
}

function readText(value: unknown, faults: Fault[]): string {
  if (typeof value !== "string" || value === "") {
    faults.push({ path: "message", code: "INVALID_MESSAGE", message: "Expected a text of at least one character" })
    return ""
  }
  if (value.length > LONGEST_TEXT && (value.length > 2 * LONGEST_TEXT || Array.from(value).length > LONGEST_TEXT)) {
    faults.push({ path: "message", code: "INVALID_MESSAGE", message: `Expected at most ${LONGEST_TEXT} characters` })
    return ""
  }
  return value
}

function readTtl(value: unknown, faults: Fault[]): number {
  if (value === undefined || value === null) return DEFAULT_TTL_MS
  if (typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= LONGEST_TTL) return value * 1000
  faults.push({ path: "ttl", code: "VALIDATION_ERROR", message: `Expected whole seconds from 1 to ${LONGEST_TTL}` })
  return DEFAULT_TTL_MS
}

/** Options that would change what is sent are never passed over in silence. */
function notBuilt(body: Fields, type: string | undefined): string | undefined {
  if (type !== undefined && type !== "text") return `Messages of type ${type}`
  if (Array.isArray(body.mentions) && body.mentions.length > 0) return "Mentions"
  if (body.replyTo !== undefined && body.replyTo !== null) return "Replies"
  return body.linkPreview === true ? "Link previews" : undefined
}
