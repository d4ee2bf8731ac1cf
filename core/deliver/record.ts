import type { Op, Placement, Row } from "../ledger.ts"
import { orderText } from "../message/sequence.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { Delivery, DeliveryAttempt, DeliveryRef, DeliveryState } from "../views.ts"

/** Deliveries as they are kept, and the operations that change them. */

export const DELIVERY_TABLE = "delivery"
/** A row for each endpoint that something waits for: what is found of it after a restart. */
export const LANE_TABLE = "delivery-lane"
/** How much waits for each. */
export const WAITING_TABLE = "delivery-waiting"
/** Index: by the time of the next try, endpoint by endpoint. Only what waits has an entry. */
export const NEXT = "next"
export const BY_CHANNEL = "channel"
export const BY_ENDPOINT = "endpoint"

const KEPT_MS = 7 * 24 * 60 * 60 * 1_000
const ATTEMPTS_KEPT = 20

export interface DeliveryRecord extends DeliveryRef {
  readonly body: string
  /** Its place among all others. */
  readonly order: number
  readonly at: number
  readonly state: DeliveryState
  readonly tries: number
  /** Ms of waiting between tries. */
  readonly waited: number
  readonly nextAt: number | null
  readonly endedAt: number | null
  readonly attempts: readonly DeliveryAttempt[]
}

/** What is changed by a condition on its version. */
export interface Found {
  readonly record: DeliveryRecord
  readonly version: number
}

export const laneOf = ({ channel, endpoint }: Omit<DeliveryRef, "id">): string => `${channel}\n${endpoint}`
export const keyOf = (ref: DeliveryRef): string => `${laneOf(ref)}\n${ref.id}`

export function readDelivery({ value, version }: Row): Found {
  return { record: decodeRecord<DeliveryRecord>(value, "delivery"), version }
}

/** What is kept of the house's own: a channel is a plugin's, and called by the plugin's name and its own. */
export function shown(company: string, record: DeliveryRecord, channel: string): Delivery {
  const { id, endpoint, state, at, nextAt, endedAt, tries, attempts, body } = record
  return { company, id, channel, endpoint, state, createdAt: at, nextAt, endedAt, tries, attempts, body }
}

export const begin = (ref: DeliveryRef, body: string, order: number, at: number): DeliveryRecord => ({
  ...ref,
  body,
  order,
  at,
  state: "pending",
  tries: 0,
  waited: 0,
  nextAt: at,
  endedAt: null,
  attempts: [],
})

export function place(record: DeliveryRecord): Placement {
  const lane = laneOf(record)
  const order = orderText(record.order)
  const { nextAt, endedAt } = record
  return {
    table: DELIVERY_TABLE,
    key: keyOf(record),
    value: encodeRecord(record),
    index: {
      [BY_CHANNEL]: `${record.channel}\n${order}`,
      [BY_ENDPOINT]: `${lane}\n${order}`,
      ...(nextAt !== null && { [NEXT]: `${lane}\n${orderText(nextAt)}${order}` }),
    },
    ...(endedAt !== null && { due: endedAt + KEPT_MS }),
  }
}

/** Written with each that begins to wait, so that the endpoint's row cannot go meanwhile. */
export function markLane(lane: string): Op {
  return { op: "put", table: LANE_TABLE, key: lane, value: encodeRecord({}), due: 0 }
}

export function countWaiting(lane: string, by: 1 | -1): Op {
  return { op: "increment", table: WAITING_TABLE, key: lane, by }
}

export function beginOps(record: DeliveryRecord): readonly Op[] {
  const lane = laneOf(record)
  return [{ op: "putIfAbsent", ...place(record) }, markLane(lane), countWaiting(lane, 1)]
}

/** As if it were new, whatever has become of it. */
export function againOps({ record, version }: Found, at: number): readonly Op[] {
  const lane = laneOf(record)
  const again: DeliveryRecord = { ...record, state: "pending", tries: 0, waited: 0, nextAt: at, endedAt: null }
  const put: Op = { op: "putIfVersion", version, ...place(again) }
  return record.state === "pending" ? [put, markLane(lane)] : [put, markLane(lane), countWaiting(lane, 1)]
}

export function retryOps({ record, version }: Found, attempt: DeliveryAttempt, waitMs: number): readonly Op[] {
  const nextAt = attempt.at + attempt.ms + waitMs
  const next = { ...tried(record, attempt), waited: record.waited + waitMs, nextAt }
  return [{ op: "putIfVersion", version, ...place(next) }]
}

export function endOps(
  { record, version }: Found,
  state: Exclude<DeliveryState, "pending">,
  endedAt: number,
  attempt?: DeliveryAttempt,
): readonly Op[] {
  const last = attempt === undefined ? record : tried(record, attempt)
  const put: Op = { op: "putIfVersion", version, ...place({ ...last, state, nextAt: null, endedAt }) }
  return [put, countWaiting(laneOf(record), -1)]
}

export function tried(record: DeliveryRecord, attempt: DeliveryAttempt): DeliveryRecord {
  return { ...record, tries: record.tries + 1, attempts: [...record.attempts, attempt].slice(-ATTEMPTS_KEPT) }
}
