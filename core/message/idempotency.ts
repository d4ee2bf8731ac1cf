import type { Clock } from "../clock.ts"
import { appError } from "../errors.ts"
import type { Ids } from "./ids.ts"
import type { Ledger, Op } from "../ledger.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"

/** What a replay needs to give the first answer again. */
export interface Reserved {
  readonly messageId: string
  /** The answer was that it waits, whatever has become of it since. */
  readonly queued: boolean
  readonly to: string
  readonly sanitized: boolean
}

/** A first request under an Idempotency-Key. */
export interface Ticket {
  /** Goes into the commit of the message. */
  reserve(reserved: Reserved): Op
  /** Notes afterwards that the answer was that it waits. */
  answeredQueued(reserved: Reserved): Promise<void>
  /** The request has been answered. */
  end(): void
}

export type Begun = { readonly first: Ticket } | { readonly replay: Reserved }

export interface Idempotency {
  /** Throws IDEMPOTENCY_KEY_REUSED for another body, IDEMPOTENCY_IN_PROGRESS while the first request is running. */
  begin(company: string, key: string, body: unknown): Promise<Begun>
  /** Removes what is past its day. */
  sweep(): Promise<void>
}

interface KeyRow extends Reserved {
  readonly print: string
  readonly until: number
}

const TABLE = "idempotency"
const KEPT_MS = 24 * 60 * 60 * 1000
const SWEPT_AT_ONCE = 500

/**
 * The key of a request: 1–255 characters, also as a quoted string of structured headers (RFC 9651). Undefined without
 * one; throws VALIDATION_ERROR for one that cannot be used.
 */
export function readKey(header: string | null): string | undefined {
  if (header === null) return undefined
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(header.trim())
  const key = quoted?.[1]?.replace(/\\(["\\])/g, "$1") ?? header.trim()
  if (key.length >= 1 && key.length <= 255) return key
  const message = "Expected a key of 1 to 255 characters"
  throw appError("VALIDATION_ERROR", { details: [{ path: "Idempotency-Key", code: "VALIDATION_ERROR", message }] })
}

export function createIdempotency(ledger: Ledger, clock: Clock, ids: Ids): Idempotency {
  /** Fingerprints of requests that are running now. */
  const running = new Map<string, string>()

  return {
    async begin(company, key, body) {
      const print = ids.digest(canonical(body))
      const place = `${company}\n${key}`
      const other = running.get(place)
      if (other !== undefined) throw appError(other === print ? "IDEMPOTENCY_IN_PROGRESS" : "IDEMPOTENCY_KEY_REUSED")
      running.set(place, print)
      const end = (): void => void running.delete(place)
      try {
        const [found] = await ledger.get(company, TABLE, [key])
        if (found !== undefined) {
          const stored = decodeRecord<KeyRow>(found.value, "idempotency key")
          if (stored.until > clock.now()) {
            if (stored.print !== print) throw appError("IDEMPOTENCY_KEY_REUSED")
            end()
            return { replay: stored }
          }
        }
      } catch (thrown) {
        end()
        throw thrown
      }
      const until = clock.now() + KEPT_MS
      const reserve = (reserved: Reserved): Op => {
        const row: KeyRow = { ...reserved, print, until }
        return { op: "put", table: TABLE, key, value: encodeRecord(row), due: until }
      }
      const answeredQueued = async (reserved: Reserved): Promise<void> =>
        void (await ledger.commit(company, [reserve({ ...reserved, queued: true })]))
      return { first: { reserve, answeredQueued, end } }
    },

    async sweep() {
      for (;;) {
        const rows = await ledger.due(TABLE, clock.now(), SWEPT_AT_ONCE)
        for (const { company, key, version } of rows) {
          await ledger.commit(company, [{ op: "delete", table: TABLE, key, version }])
        }
        if (rows.length < SWEPT_AT_ONCE) return
      }
    },
  }
}

/** JSON with the keys of every object in one order, so that the same body is the same however it is written. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== "object" || inner === null || Array.isArray(inner)) return inner
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
}
