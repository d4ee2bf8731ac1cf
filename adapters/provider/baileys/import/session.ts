import { hkdfSync, randomBytes } from "node:crypto"
import { writeFields } from "../protobuf.ts"
import { withTypeByte } from "../signal/curve.ts"
import { joinRecord } from "../signal/session-record.ts"
import { bytesOf, type Fields, fieldsOf, keyOf, numberOf } from "./shape.ts"

/** Our side of every session of the imported line. */
export interface OwnSide {
  /** Public identity key. */
  readonly identity: Uint8Array
  readonly registrationId: number
}

/** Kinds of chains in a record of libsignal 6 for JavaScript. */
const SENDING = 1
const RECEIVING = 2
const OPEN = -1
const SESSION_VERSION = 3
/** As many receiving chains as libsignal keeps. */
const MOST_CHAINS = 5
const MESSAGE_KEYS = new TextEncoder().encode("WhisperMessageKeys")

/**
 * A session record of the JavaScript libsignal, which Baileys 7.0.0-rc14 and all before it keep as JSON, as a record of
 * libsignal's own protobuf form. Counters there name the last message key that was made, here the next one; an open
 * session is the current one, closed ones follow, the last used first. Throws a TypeError that says what is missing.
 */
export function convertSession(stored: unknown, own: OwnSide): Uint8Array {
  const record = fieldsOf(stored, "The record")
  const entries = Object.values(fieldsOf(record["_sessions"], "_sessions")).map((entry) => fieldsOf(entry, "A session"))
  if (entries.length === 0) throw new TypeError("The record holds no session")
  // Records older than version v1 name the other side's registration once for all.
  const shared = record["registrationId"]
  const open = entries.filter((entry) => infoOf(entry)["closed"] === OPEN)
  const closed = entries.filter((entry) => infoOf(entry)["closed"] !== OPEN)
  const ordered = [...byUse(open), ...byUse(closed)].map((entry) => convertEntry(entry, own, shared))
  return joinRecord(ordered, { current: open.length > 0 })
}

const infoOf = (entry: Fields): Fields => fieldsOf(entry["indexInfo"], "indexInfo")

function byUse(entries: readonly Fields[]): Fields[] {
  const used = (entry: Fields): number => Number(infoOf(entry)["used"] ?? 0)
  return [...entries].sort((a, b) => used(b) - used(a))
}

function convertEntry(entry: Fields, own: OwnSide, shared: unknown): Uint8Array {
  const ratchet = fieldsOf(entry["currentRatchet"], "currentRatchet")
  const info = infoOf(entry)
  const pair = fieldsOf(ratchet["ephemeralKeyPair"], "ephemeralKeyPair")
  const ownKey = bytesOf(pair["pubKey"], "pubKey")
  const chains = Object.entries(fieldsOf(entry["_chains"], "_chains")).map(
    ([key, chain]) => [bytesOf(key, "A chain's key"), fieldsOf(chain, "A chain")] as const,
  )
  const sending = chains.find(([key, { chainType }]) => chainType === SENDING && same(key, ownKey))
  if (sending === undefined) throw new TypeError("A session has no sending chain")
  const receiving = chains.filter(([, { chainType }]) => chainType === RECEIVING).slice(-MOST_CHAINS)
  const registrationId = entry["registrationId"] ?? shared
  return writeFields([
    [1, SESSION_VERSION],
    [2, withTypeByte(own.identity)],
    [3, withTypeByte(bytesOf(info["remoteIdentityKey"], "remoteIdentityKey"))],
    [4, keyOf(ratchet["rootKey"], "rootKey")],
    [5, Math.max(0, numberOf(ratchet["previousCounter"], "previousCounter"))],
    [6, convertChain(ownKey, sending[1], keyOf(pair["privKey"], "privKey"))],
    ...receiving.map(([key, chain]) => [7, convertChain(key, chain, undefined)] as const),
    ...pendingOf(entry["pendingPreKey"]),
    [10, numberOf(registrationId, "registrationId")],
    [11, own.registrationId],
    [13, withTypeByte(bytesOf(info["baseKey"], "baseKey"))],
  ])
}

function convertChain(ratchetKey: Uint8Array, chain: Fields, secret: Uint8Array | undefined): Uint8Array {
  const { counter, key } = fieldsOf(chain["chainKey"], "chainKey")
  const index = numberOf(counter, "counter") + 1
  // A chain that was closed has lost its key for good. Nobody may know the one that stands for it.
  const chainKey = key === undefined || key === null ? randomBytes(32) : keyOf(key, "chainKey.key")
  const left = Object.entries(fieldsOf(chain["messageKeys"] ?? {}, "messageKeys"))
  return writeFields([
    [1, withTypeByte(ratchetKey)],
    ...(secret === undefined ? [] : [[2, secret] as const]),
    [
      3,
      writeFields([
        [1, index],
        [2, chainKey],
      ]),
    ],
    ...left.map(([place, seed]) => [4, messageKey(Number(place), keyOf(seed, "A message key"))] as const),
  ])
}

/** Of a message that was overtaken: the JavaScript library keeps its seed, the other what becomes of it. */
function messageKey(index: number, seed: Uint8Array): Uint8Array {
  const derived = new Uint8Array(hkdfSync("sha256", seed, new Uint8Array(32), MESSAGE_KEYS, 80))
  return writeFields([
    [1, numberOf(index, "The place of a message key")],
    [2, derived.subarray(0, 32)],
    [3, derived.subarray(32, 64)],
    [4, derived.subarray(64, 80)],
  ])
}

/** What goes with every message until the other side has answered. */
function pendingOf(pending: unknown): (readonly [number, Uint8Array])[] {
  if (pending === undefined || pending === null) return []
  const { preKeyId, signedKeyId, baseKey } = fieldsOf(pending, "pendingPreKey")
  return [
    [
      9,
      writeFields([
        ...(preKeyId === undefined || preKeyId === null ? [] : [[1, numberOf(preKeyId, "preKeyId")] as const]),
        [2, withTypeByte(bytesOf(baseKey, "pendingPreKey.baseKey"))],
        [3, numberOf(signedKeyId, "signedKeyId")],
      ]),
    ],
  ]
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(withTypeByte(a), withTypeByte(b)) === 0
}
