import { randomBytes } from "node:crypto"
import type { proto } from "@whiskeysockets/baileys"
import { appError } from "../../../core/errors.ts"
import type { Content, MediaType } from "../../../core/types.ts"
import type { Library } from "./load-baileys.ts"
import { lastBytes, readFields, writeFields } from "./protobuf.ts"

/** Field numbers of WhatsApp's `Message` (WAProto of Baileys 7.0.0-rc14). */
const CONVERSATION = 1
const DEVICE_SENT = 31
const DEVICE_SENT_MESSAGE = 2
const CONTEXT_INFO = 35
const MESSAGE_SECRET = 3

/** In front of what a person wrote, or beside it; says nothing by itself. */
const ENVELOPE = new Set(["senderKeyDistributionMessage", "messageContextInfo"])

/**
 * The protobuf of a message as it will travel. The secret in it is what WhatsApp's own clients send along; it is made once,
 * so that a resend is the same message. Throws NOT_SUPPORTED for content that cannot be sent.
 */
export function encodeContent(content: Content): Uint8Array {
  if (content.type !== "text") throw appError("NOT_SUPPORTED", { message: "Only text can be sent" })
  return writeFields([
    [CONVERSATION, new TextEncoder().encode(content.text)],
    [CONTEXT_INFO, writeFields([[MESSAGE_SECRET, randomBytes(32)]])],
  ])
}

/** A decrypted message, taken out of the envelope in which our own phone shares what it sent. */
export interface Opened {
  /** The protobuf as it came. */
  readonly wire: Uint8Array
  readonly message: proto.IMessage
  /** The chat it was sent to, where our own phone tells us. */
  readonly sentTo: string | undefined
}

/** Takes off padding and envelope. Throws when the bytes are no message. */
export function openPlaintext(library: Library, plaintext: Uint8Array): Opened {
  const padded = library.unpadRandomMax16(plaintext)
  const outer = library.proto.Message.decode(padded)
  const shared = outer.deviceSentMessage
  if (!shared?.message) return { wire: padded.slice(), message: outer, sentTo: undefined }
  const envelope = lastBytes(readFields(padded), DEVICE_SENT)
  const inner = envelope && lastBytes(readFields(envelope), DEVICE_SENT_MESSAGE)
  const wire = inner?.slice() ?? library.proto.Message.encode(shared.message).finish()
  return { wire, message: shared.message, sentTo: shared.destinationJid ?? undefined }
}

/** What a person said; undefined when it is no person's message (protocol, keys, nothing at all). */
export function contentOf(library: Library, message: proto.IMessage): Content | undefined {
  const inner = library.normalizeMessageContent(message)
  if (!inner || inner.protocolMessage) return undefined
  const text = inner.conversation || inner.extendedTextMessage?.text
  if (text) return { type: "text", text }
  const said = Object.entries(inner).some(([kind, value]) => !ENVELOPE.has(kind) && value !== null && value !== "")
  return said ? { type: "unsupported" } : undefined
}

/** What is attached to a person's message, if anything is. */
export function attachmentOf(library: Library, message: proto.IMessage): MediaType | undefined {
  const inner = library.normalizeMessageContent(message)
  if (!inner) return undefined
  if (inner.imageMessage) return "image"
  if (inner.videoMessage || inner.ptvMessage) return "video"
  if (inner.audioMessage) return inner.audioMessage.ptt === true ? "voice" : "audio"
  if (inner.documentMessage) return "document"
  return inner.stickerMessage || inner.lottieStickerMessage?.message?.stickerMessage ? "sticker" : undefined
}
