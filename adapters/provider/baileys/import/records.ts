import { encodeJson, encodeRaw } from "../codec.ts"
import { readFields } from "../protobuf.ts"
import { encodeKeyPair } from "../signal/own-keys.ts"
import { splitRecord } from "../signal/session-record.ts"
import { reviveText } from "./files.ts"
import { convertSenderKey } from "./sender-key.ts"
import { convertSession, type OwnSide } from "./session.ts"
import { bytesOf, fieldsOf, numberOf, pairOf } from "./shape.ts"

/** One key as it came out of its file, as the record that a line reads. Throws a TypeError that says what is wrong. */
export function recordOf(type: string, value: unknown, own: OwnSide): Uint8Array {
  switch (type) {
    case "pre-key":
      return encodeKeyPair(pairOf(value, "The pre-key"))
    case "session":
      return encodeRaw(value instanceof Uint8Array ? checkedSession(value) : convertSession(value, own))
    case "sender-key":
      return encodeRaw(senderKey(value))
    case "identity-key":
      return encodeRaw(bytesOf(value, "The identity key"))
    case "lid-mapping":
      if (typeof value !== "string") throw new TypeError("It names nobody")
      return encodeJson(value)
    case "device-list":
      if (!Array.isArray(value)) throw new TypeError("It is no list")
      return encodeJson(value)
    case "app-state-sync-key":
      bytesOf(fieldsOf(value, "The key")["keyData"], "keyData")
      return encodeJson(value)
    case "app-state-sync-version":
      numberOf(fieldsOf(value, "The version")["version"], "version")
      return encodeJson(value)
    default:
      return encodeJson(fieldsOf(value, "The record"))
  }
}

/** A program that had the native libsignal has kept the very records that are kept here. */
function checkedSession(record: Uint8Array): Uint8Array {
  const { current, previous } = splitRecord(record)
  if (current === undefined && previous.length === 0) throw new TypeError("The record holds no session")
  return record
}

const OPENING_BRACKET = 0x5b

function senderKey(value: unknown): Uint8Array {
  if (!(value instanceof Uint8Array)) return convertSenderKey(value)
  if (value[0] === OPENING_BRACKET) return convertSenderKey(reviveText(Buffer.from(value).toString("utf8")))
  if (readFields(value).length === 0) throw new TypeError("The record holds no state")
  return value
}
