import type { Clock } from "../clock.ts"
import type { CommitResult, Ledger, Op } from "../ledger.ts"
import { orderTime } from "./sequence.ts"
import { OUTBOX_TABLE } from "./settle.ts"

/** How much waits in the outboxes of all companies, also of those whose lines are down, without reading it each time. */
export interface Backlog {
  /** Every change of an outbox goes through this ledger. */
  readonly ledger: Ledger
  /** Counts what is there, in the background. */
  open(): Promise<void>
  read(): Waiting
  /** Companies of which messages wait, and how many. */
  byCompany(): readonly (readonly [company: string, messages: number])[]
}

export interface Waiting {
  readonly messages: number
  /** How long the oldest has waited, ms; 0 where nothing waits. */
  readonly oldestMs: number
}

interface Queue {
  count: number
  /** Its key, which is its place in the order of the company. */
  oldest: string | undefined
  /** Goes up with every change. */
  changes: number
  /** What is to be read again: how many there are, or which is the oldest; since when, for the latter. */
  wrong: "count" | "oldest" | undefined
  lookedAt: number
}

const HOUSE = ""
const PAGE = 200
/** While the first ones are being sent, the next one is looked for this often at most. */
const LOOK_MS = 1_000

export function createBacklog(ledger: Ledger, clock: Clock): Backlog {
  const queues = new Map<string, Queue>()
  let total = 0
  let mending: Promise<void> | undefined

  const queueOf = (company: string): Queue => {
    let queue = queues.get(company)
    if (queue === undefined) {
      queue = { count: 0, oldest: undefined, changes: 0, wrong: undefined, lookedAt: 0 }
      queues.set(company, queue)
    }
    return queue
  }

  const resize = (company: string, queue: Queue, count: number): void => {
    total += count - queue.count
    queue.count = count
    if (count === 0) queue.oldest = undefined
    if (count === 0 && queue.wrong !== "count") queues.delete(company)
  }

  /** Counts anew. What changes meanwhile leaves it for the next time. */
  const recount = async (company: string, queue: Queue): Promise<void> => {
    const { changes } = queue
    let count = 0
    let oldest: string | undefined
    for (let after: string | undefined; ; ) {
      const query = after === undefined ? { limit: PAGE } : { limit: PAGE, after }
      const { rows, next } = await ledger.page(company, OUTBOX_TABLE, query)
      oldest ??= rows[0]?.key
      count += rows.length
      if (next === null) break
      after = next
      await clock.sleep(0)
    }
    if (queue.changes !== changes || queues.get(company) !== queue) return
    queue.wrong = undefined
    queue.oldest = oldest
    resize(company, queue, count)
  }

  const lookUp = async (company: string, queue: Queue): Promise<void> => {
    const { changes } = queue
    queue.lookedAt = clock.monotonic()
    const { rows } = await ledger.page(company, OUTBOX_TABLE, { limit: 1 })
    queue.oldest = rows[0]?.key ?? queue.oldest
    if (queue.changes === changes && queue.wrong === "oldest") queue.wrong = undefined
  }

  const mendAll = async (): Promise<void> => {
    for (const [company, queue] of queues) {
      if (queue.wrong === "count") await recount(company, queue)
      else if (queue.wrong === "oldest" && clock.monotonic() - queue.lookedAt >= LOOK_MS) await lookUp(company, queue)
    }
  }

  const mend = (): Promise<void> => {
    mending ??= mendAll()
      // A ledger that fails is read the next time.
      .catch(() => undefined)
      .finally(() => {
        mending = undefined
      })
    return mending
  }

  const note = (company: string, ops: readonly Op[]): void => {
    const queue = queueOf(company)
    queue.changes++
    // A commit that asks for nothing does not tell whether what it deletes was there.
    const asks = ops.some((op) => op.op === "putIfVersion" || (op.op === "delete" && op.version !== undefined))
    let { count } = queue
    for (const op of ops) {
      if (op.op !== "put" && op.op !== "delete") continue
      if (op.table !== OUTBOX_TABLE) continue
      if (op.op === "put") {
        count++
        if (queue.oldest === undefined || op.key < queue.oldest) queue.oldest = op.key
      } else if (!asks) queue.wrong = "count"
      else {
        count--
        if (op.key === queue.oldest) queue.wrong ??= "oldest"
      }
    }
    resize(company, queue, Math.max(0, count))
  }

  const isOurs = (op: Op): boolean => op.table === OUTBOX_TABLE && (op.op === "put" || op.op === "delete")

  const followed = async (company: string, ops: readonly Op[]): Promise<CommitResult> => {
    try {
      const result = await ledger.commit(company, ops)
      if (result.ok) note(company, ops)
      return result
    } catch (thrown) {
      const queue = queueOf(company)
      queue.changes++
      queue.wrong = "count"
      throw thrown
    }
  }

  return {
    ledger: {
      ...ledger,
      commit: (company, ops) => (ops.some(isOurs) ? followed(company, ops) : ledger.commit(company, ops)),
      async erase(company) {
        await ledger.erase(company)
        const queue = queues.get(company)
        if (queue === undefined) return
        queue.wrong = undefined
        resize(company, queue, 0)
      },
    },
    async open() {
      for (const company of await ledger.companies()) if (company !== HOUSE) queueOf(company).wrong = "count"
      await mend()
    },
    byCompany: () => [...queues].flatMap(([company, { count }]) => (count > 0 ? [[company, count] as const] : [])),
    read() {
      void mend()
      let first: string | undefined
      for (const { oldest } of queues.values()) {
        if (oldest !== undefined && (first === undefined || oldest < first)) first = oldest
      }
      return { messages: total, oldestMs: first === undefined ? 0 : Math.max(0, clock.now() - orderTime(first)) }
    },
  }
}
