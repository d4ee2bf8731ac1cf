import type { Ledger } from "../ledger.ts"
import type { ChatRef } from "../provider.ts"
import type { MessageRow } from "./messages.ts"
import { orderAt, orderText } from "./sequence.ts"
import type { Direction, MessageStatus } from "../types.ts"

/** Which messages a list shows; `since` is inclusive, `until` exclusive, both epoch ms. */
export interface MessageFilter {
  readonly person?: ChatRef | undefined
  readonly direction?: Direction | undefined
  readonly status?: MessageStatus | undefined
  readonly since?: number | undefined
  readonly until?: number | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Rows looked at for one page. A filter that matches little gives a short page with a cursor rather than a long wait. */
const LOOKED_AT = 2_000
const CURSOR = /^\d{16}\.[^\s]{1,300}$/

/** Sorts by order; the id makes it unique over restarts. */
export function timeKey(order: number, messageId: string): string {
  return `${orderText(order)}.${messageId}`
}

export function readCursor(cursor: string): string | undefined {
  return CURSOR.test(cursor) ? cursor : undefined
}

interface Found {
  readonly rows: readonly MessageRow[]
  readonly nextCursor: string | null
}

type Decode = (key: string, value: Uint8Array) => MessageRow

/** Newest first, over several chats at once when one person has had several; a lane of `undefined` is the whole company. */
export async function scan(
  ledger: Ledger,
  company: string,
  lanes: readonly (string | undefined)[],
  filter: MessageFilter,
  decode: Decode,
): Promise<Found> {
  const rows: MessageRow[] = []
  let cursor = filter.cursor
  for (let looked = 0; looked < LOOKED_AT; ) {
    const batch = await newest(ledger, company, lanes, filter, cursor, decode)
    for (const row of batch) {
      looked++
      cursor = timeKey(row.order, row.messageId)
      if (!matches(row, filter)) continue
      rows.push(row)
      if (rows.length === filter.limit) {
        const more = row !== batch.at(-1) || (await newest(ledger, company, lanes, filter, cursor, decode)).length > 0
        return { rows, nextCursor: more ? cursor : null }
      }
    }
    if (batch.length < filter.limit) return { rows, nextCursor: null }
  }
  return { rows, nextCursor: cursor ?? null }
}

/** The newest `limit` rows below the cursor. */
async function newest(
  ledger: Ledger,
  company: string,
  lanes: readonly (string | undefined)[],
  filter: MessageFilter,
  cursor: string | undefined,
  decode: Decode,
): Promise<MessageRow[]> {
  const until = filter.until === undefined ? undefined : timeKey(orderAt(filter.until), "")
  const to = cursor !== undefined && until !== undefined ? (cursor < until ? cursor : until) : (cursor ?? until)
  const from = filter.since === undefined ? undefined : timeKey(orderAt(filter.since), "")
  const pages = await Promise.all(
    lanes.map((lane) => {
      const head = lane === undefined ? "" : `${lane}/`
      return ledger.page(company, "message", {
        index: lane === undefined ? "time" : "chat",
        ...(lane === undefined ? {} : { prefix: head }),
        ...(to === undefined ? {} : { to: head + to }),
        ...(from === undefined ? {} : { from: head + from }),
        limit: filter.limit,
        reverse: true,
      })
    }),
  )
  const rows = pages.flatMap((page) => page.rows.map(({ key, value }) => decode(key, value)))
  if (lanes.length > 1) rows.sort((a, b) => (timeKey(a.order, a.messageId) < timeKey(b.order, b.messageId) ? 1 : -1))
  return rows.slice(0, filter.limit)
}

function matches(row: MessageRow, filter: MessageFilter): boolean {
  if (filter.direction !== undefined && row.direction !== filter.direction) return false
  return filter.status === undefined || row.status === filter.status
}
