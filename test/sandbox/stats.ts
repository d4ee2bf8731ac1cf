import { boundedList, boundedMap, type BoundedList, type BoundedMap } from "./bounded.ts"

export interface LoginRecord {
  readonly at: number
  /** `accepted`, or why not. */
  readonly outcome: string
}

/** One message that a line sent, as often as it sent it. */
export interface SentRecord {
  readonly id: string
  readonly to: string
  readonly firstAt: number
  lastAt: number
  /** Stanzas seen with this id; more than one after the line repeated it. */
  times: number
  acked: boolean
  /** At least one of the stanzas was answered with an error. */
  refused: boolean
  /** As the phones read it; null until one of them could. */
  text: string | null
}

/** Counters of a company's linked devices. */
export interface LineStats {
  connects: number
  loginAttempts: number
  loginsAccepted: number
  readonly logins: BoundedList<LoginRecord>
  /** Message stanzas from the line, repeats included; without retries and messages to its own phone alone. */
  messages: number
  acks: number
  refused: number
  withheldAcks: number
  /** Stanzas handed to the line: messages, and how many of them from the offline queue. */
  delivered: number
  deliveredOffline: number
  receiptsToLine: number
  receiptsFromLine: number
  readsFromLine: number
  /** Messages that the line could not read and asked for again. */
  retriesAsked: number
  nacks: number
  pings: number
  presence: string | null
  chatState: string | null
  preKeysUploaded: number
  preKeysGiven: number
  readonly iqs: Map<string, number>
  readonly unknownIqs: Map<string, number>
  readonly sent: BoundedMap<string, SentRecord>
}

const LOGINS_KEPT = 1000
const SENT_KEPT = 100_000

export function createLineStats(): LineStats {
  return {
    connects: 0,
    loginAttempts: 0,
    loginsAccepted: 0,
    logins: boundedList(LOGINS_KEPT),
    messages: 0,
    acks: 0,
    refused: 0,
    withheldAcks: 0,
    delivered: 0,
    deliveredOffline: 0,
    receiptsToLine: 0,
    receiptsFromLine: 0,
    readsFromLine: 0,
    retriesAsked: 0,
    nacks: 0,
    pings: 0,
    presence: null,
    chatState: null,
    preKeysUploaded: 0,
    preKeysGiven: 0,
    iqs: new Map(),
    unknownIqs: new Map(),
    sent: boundedMap(SENT_KEPT),
  }
}

export function count(counters: Map<string, number>, name: string): void {
  counters.set(name, (counters.get(name) ?? 0) + 1)
}

/** Notes a message stanza of a line. */
export function noteSent(stats: LineStats, id: string, to: string): SentRecord {
  stats.messages++
  const now = Date.now()
  const known = stats.sent.get(id)
  if (known) {
    known.times++
    known.lastAt = now
    return known
  }
  const record: SentRecord = { id, to, firstAt: now, lastAt: now, times: 1, acked: false, refused: false, text: null }
  stats.sent.set(id, record)
  return record
}
