import type { Redis } from "ioredis"
import { appError, isAppError } from "../../../core/errors.ts"
import { UNFENCED, type Write } from "../../../core/store.ts"
import type { Link } from "./link.ts"
import type { Names } from "./names.ts"
import { isReply, unavailable } from "./replies.ts"
import { type Argument, runScript } from "./scripts.ts"
import { commitScript, ERASED_KEPT_MS, eraseScript } from "./writer-scripts.ts"

/** The writes of each company, one after the other: its order must survive what is sent twice and what is answered late. */
export interface Orders {
  commit(company: string, writes: readonly Write[], fence: number): Promise<void>
  erase(company: string, fence: number): Promise<void>
  /** Before anything is read: no write that was given up can land from here on. No round trip unless there was one. */
  settle(company: string): Promise<void>
}

export interface OrdersOptions {
  readonly link: Link
  readonly names: Names
  /** Of this opening of the store. */
  readonly writer: string
  /** Given by a claim of this process. */
  issued(fence: number): boolean
  /** A write was refused because of its fence. */
  fenced(company: string, fence: number): void
  /** False only in tests, to see what fences are for. */
  readonly fencing: boolean
  /** False only in tests, to see what the numbers of writes are for. */
  readonly numbering: boolean
}

type Task = "commit" | "erase" | "settle"

interface Job {
  readonly task: Task
  readonly fence: number
  readonly writes: readonly Write[]
  readonly size: number
  done(): void
  failed(error: unknown): void
}

interface Line {
  readonly waiting: Job[]
  running: boolean
  /** Fences of writes that were sent and given up: they may have landed, or still be under way. */
  readonly doubts: Set<number>
}

/** What one round trip carries at most, of commits that came while the one before was under way. */
const TOGETHER_BYTES = 1 << 20
/** Beyond these nobody waits any more: they are refused at once. */
const MOST_WAITING = 20_000
const MOST_WAITING_BYTES = 64 << 20

export function createOrders(options: OrdersOptions): Orders {
  const { link, names, issued, fenced, fencing, numbering } = options
  const lines = new Map<string, Line>()
  let last = 0
  let jobs = 0
  let bytes = 0

  async function add(company: string, task: Task, fence: number, writes: readonly Write[] = []): Promise<void> {
    const size = sizeOf(writes)
    if (jobs >= MOST_WAITING || bytes + size > MOST_WAITING_BYTES) return link.refuse()
    jobs++
    bytes += size
    try {
      await new Promise<void>((done, failed) => {
        const line = lines.get(company) ?? { waiting: [], running: false, doubts: new Set() }
        lines.set(company, line)
        line.waiting.push({ task, fence: fencing ? fence : UNFENCED, writes, size, done, failed })
        if (!line.running) void work(company, line)
      })
    } finally {
      jobs--
      bytes -= size
    }
  }

  async function work(company: string, line: Line): Promise<void> {
    line.running = true
    for (let group = take(line.waiting); group !== undefined; group = take(line.waiting)) {
      try {
        await send(company, line, group)
        for (const job of group.jobs) job.done()
      } catch (error) {
        for (const job of group.jobs) job.failed(error)
        // Those behind it have waited as long, and would wait as long again.
        const away = isAppError(error) && error.code === "STORAGE_UNAVAILABLE"
        if (away) for (const job of line.waiting.splice(0)) job.failed(error)
      }
    }
    line.running = false
    if (line.doubts.size === 0) lines.delete(company)
  }

  async function send(company: string, line: Line, { task, fence, jobs }: Group): Promise<void> {
    const { puts, deletes } = merged(jobs)
    const number = ++last
    const unfenced = fence === UNFENCED
    const keys = [names.company(company), names.companies, names.erased(company)]
    const args: Argument[] = [company, unfenced ? "" : fence, !unfenced && issued(fence) ? "1" : "0"]
    args.push(numbering ? options.writer : `${options.writer}${number}`, number, ERASED_KEPT_MS)
    if (task === "commit") args.push(puts.length / 2, ...puts, ...deletes)
    if (task === "settle") args.push(-1)
    const script = task === "erase" ? eraseScript : commitScript
    let sent = 0
    let refused = 0
    const work = (client: Redis): Promise<unknown> => {
      sent++
      return runScript(client, script, keys, args).catch((error: unknown) => {
        if (isReply(error)) refused++
        throw error
      })
    }
    let answer: unknown
    try {
      answer = await link.run(work, { repeat: true })
    } catch (error) {
      if (sent > refused) line.doubts.add(fence)
      throw error
    }
    // Done or refused: no earlier write of this kind can land any more.
    for (const doubt of line.doubts) if ((doubt === UNFENCED) === unfenced) line.doubts.delete(doubt)
    if (answer === "DONE") return
    if (answer !== "FENCED") throw unavailable("A later write has come before this one")
    fenced(company, fence)
    throw appError("FENCED")
  }

  return {
    commit: (company, writes, fence) => add(company, "commit", fence, writes),
    erase: (company, fence) => add(company, "erase", fence),
    async settle(company) {
      const doubts = lines.get(company)?.doubts ?? new Set<number>()
      for (const doubt of [...doubts]) {
        await add(company, "settle", doubt).catch((error: unknown) => {
          // A fence that is refused now is refused later as well.
          if (doubts.has(doubt)) throw error
        })
      }
    },
  }
}

interface Group {
  readonly task: Task
  readonly fence: number
  readonly jobs: readonly Job[]
}

/** The next job, and with a commit those behind it that can go along. */
function take(waiting: Job[]): Group | undefined {
  const first = waiting.shift()
  if (first === undefined) return undefined
  const jobs = [first]
  let { size } = first
  for (let next = waiting[0]; next !== undefined; next = waiting[0]) {
    size += next.size
    if (first.task !== "commit" || next.task !== "commit" || next.fence !== first.fence || size > TOGETHER_BYTES) break
    jobs.push(next)
    waiting.shift()
  }
  return { task: first.task, fence: first.fence, jobs }
}

/** The last write of each key. */
function merged(jobs: readonly Job[]): { puts: Argument[]; deletes: string[] } {
  const writes = new Map<string, Uint8Array | null>()
  for (const job of jobs) for (const write of job.writes) writes.set(write.key, write.value)
  const puts: Argument[] = []
  const deletes: string[] = []
  for (const [key, value] of writes) {
    if (value === null) deletes.push(key)
    else puts.push(key, Buffer.from(value.buffer, value.byteOffset, value.length))
  }
  return { puts, deletes }
}

const sizeOf = (writes: readonly Write[]): number =>
  writes.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0)
