import { damaged } from "../codec.ts"
import { lastBytes, readFields, writeFields, type Field } from "../protobuf.ts"

/**
 * libsignal's session record: field 1 is the current session, field 2 the earlier ones, newest first. Seen with
 * whatsapp-rust-bridge 0.5.4.
 */
const CURRENT = 1
const PREVIOUS = 2
const REGISTRATION_ID = 10
const BASE_KEY = 13

/** The bridge keeps no more earlier sessions than this either. */
const MOST_SESSIONS = 41
const ALL = { current: true }

/** Sessions of a record, current first. A record whose current session was archived has none in front. */
export interface Sessions {
  readonly current: Uint8Array | undefined
  readonly previous: readonly Uint8Array[]
}

export function splitRecord(record: Uint8Array): Sessions {
  const fields = fieldsOf(record)
  return {
    current: lastBytes(fields, CURRENT),
    previous: fields.filter((field) => field.number === PREVIOUS).map((field) => field.bytes),
  }
}

function fieldsOf(record: Uint8Array): Field[] {
  try {
    return readFields(record)
  } catch (cause) {
    throw damaged("session", cause)
  }
}

/** A record with `sessions[0]` as the current one, or with none in front when it says so. */
export function joinRecord(sessions: readonly Uint8Array[], has: { readonly current: boolean } = ALL): Uint8Array {
  const first = has.current ? CURRENT : PREVIOUS
  return writeFields(
    sessions.slice(0, MOST_SESSIONS).map((session, index) => [index === 0 ? first : PREVIOUS, session]),
  )
}

export function hasCurrent(record: Uint8Array): boolean {
  return splitRecord(record).current !== undefined
}

export interface SessionInfo {
  readonly baseKey: Uint8Array
  readonly registrationId: number
}

/** What identifies the current session; undefined when there is none. */
export function sessionInfo(record: Uint8Array): SessionInfo | undefined {
  const { current } = splitRecord(record)
  return current && infoOf(current)
}

function infoOf(session: Uint8Array): SessionInfo | undefined {
  const fields = fieldsOf(session)
  const baseKey = lastBytes(fields, BASE_KEY)
  const registrationId = fields.findLast((field) => field.number === REGISTRATION_ID)?.value
  return baseKey && registrationId !== undefined ? { baseKey, registrationId } : undefined
}

/** One way to try a message: the record to try it on, and how the outcome fits into the whole. */
export interface Attempt {
  readonly record: Uint8Array | undefined
  join(outcome: Uint8Array): Uint8Array
}

/**
 * Each session alone. A session that is tried in vain is spoilt by the attempt (root key, sending chain and pending
 * pre-key are overwritten), and would be stored with the one that worked: both directions would then be dead until a retry.
 */
export function attemptsForMessage(record: Uint8Array): Attempt[] {
  const { current, previous } = splitRecord(record)
  const all = current ? [current, ...previous] : [...previous]
  if (all.length === 1 && current) return [{ record, join: (outcome) => outcome }]
  return all.map((session, index) =>
    alone(
      session,
      all.filter((_, other) => other !== index),
    ),
  )
}

/**
 * A first message that was repeated belongs to the session it made; any other makes a new session, in front of the
 * record as it stands.
 */
export function attemptsForFirstMessage(record: Uint8Array | undefined, ciphertext: Uint8Array): Attempt[] {
  const whole: Attempt = { record, join: (outcome) => outcome }
  if (!record) return [whole]
  const { current, previous } = splitRecord(record)
  const all = current ? [current, ...previous] : [...previous]
  const baseKey = baseKeyOf(ciphertext)
  const index = baseKey ? all.findIndex((session) => equal(infoOf(session)?.baseKey, baseKey)) : -1
  const known = all[index]
  return known
    ? [
        alone(
          known,
          all.filter((_, other) => other !== index),
        ),
      ]
    : [whole]
}

function alone(session: Uint8Array, rest: readonly Uint8Array[]): Attempt {
  return {
    record: joinRecord([session]),
    join(outcome) {
      const { current, previous } = splitRecord(outcome)
      return joinRecord([...(current ? [current] : []), ...previous, ...rest])
    },
  }
}

/** PreKeySignalMessage: a version byte, then a protobuf whose field 2 is the sender's base key. */
function baseKeyOf(ciphertext: Uint8Array): Uint8Array | undefined {
  try {
    return lastBytes(readFields(ciphertext.subarray(1)), PREVIOUS)
  } catch {
    // Not a message at all: the cipher says so in its own words.
    return undefined
  }
}

function equal(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && a.length === b.length && a.every((byte, index) => byte === b[index])
}
