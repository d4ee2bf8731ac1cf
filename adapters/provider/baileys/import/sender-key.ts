import { writeFields } from "../protobuf.ts"
import { withTypeByte } from "../signal/curve.ts"
import { bytesOf, type Fields, fieldsOf, keyOf, numberOf } from "./shape.ts"

const MESSAGE_VERSION = 3
/** As many states as libsignal keeps. */
const MOST_STATES = 5

/**
 * A group's sender key as Baileys' own JavaScript keeps it, JSON with the newest state last, as a record of libsignal's
 * protobuf form, which has the newest first. Throws a TypeError that says what is missing.
 */
export function convertSenderKey(states: unknown): Uint8Array {
  if (!Array.isArray(states) || states.length === 0) throw new TypeError("The record holds no state")
  const newest = states.map((state: unknown) => fieldsOf(state, "A state")).reverse()
  return writeFields(newest.slice(0, MOST_STATES).map((state) => [1, convertState(state)] as const))
}

function convertState(state: Fields): Uint8Array {
  const chain = fieldsOf(state["senderChainKey"], "senderChainKey")
  const signing = fieldsOf(state["senderSigningKey"], "senderSigningKey")
  const secret = signing["private"] === undefined ? new Uint8Array() : bytesOf(signing["private"], "private")
  const left = state["senderMessageKeys"] ?? []
  if (!Array.isArray(left)) throw new TypeError("senderMessageKeys is no list")
  return writeFields([
    [1, numberOf(state["senderKeyId"], "senderKeyId")],
    [2, seedOf(chain)],
    [
      3,
      writeFields([
        [1, withTypeByte(bytesOf(signing["public"], "public"))],
        ...(secret.length === 0 ? [] : [[2, keyOf(secret, "private")] as const]),
      ]),
    ],
    ...left.map((key: unknown) => [4, seedOf(fieldsOf(key, "A message key"))] as const),
    [5, MESSAGE_VERSION],
  ])
}

function seedOf({ iteration, seed }: Fields): Uint8Array {
  return writeFields([
    [1, numberOf(iteration, "iteration")],
    [2, keyOf(seed, "seed")],
  ])
}
