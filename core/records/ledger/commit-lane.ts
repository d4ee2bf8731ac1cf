import type { CommitResult, Op } from "../../ledger.ts"
import { toError } from "../../errors.ts"
import type { MaybePromise } from "../sealer.ts"

/**
 * Commits of one company, in the order in which they are asked for, with the position of each log row known beforehand:
 * what is sealed into a log is bound to its place. The positions are reckoned on, and are a condition of the commit; after
 * one that did not hold, what had reckoned on it is made anew, in its order, before anything later.
 */
export interface CommitLane {
  commit(ops: readonly Op[]): Promise<CommitResult>
  /** Resolves when no commit is under way. */
  idle(): Promise<void>
  /** True when none is. */
  readonly resting: boolean
}

export interface CommitLaneDeps {
  tail(table: string): Promise<number>
  /** The operations as they are written; `position` gives the place of the next log row of a table. */
  prepare(ops: readonly Op[], position: (table: string) => number): MaybePromise<readonly Op[]>
  write(ops: readonly Op[]): Promise<CommitResult>
}

interface Waiting {
  readonly order: number
  readonly ops: readonly Op[]
  go(): void
  fail(thrown: unknown): void
}

export function createCommitLane({ tail, prepare, write }: CommitLaneDeps): CommitLane {
  /** The next position of each log that has been written to. */
  const next = new Map<string, number>()
  const waiting: Waiting[] = []
  const idlers: (() => void)[] = []
  let asked = 0
  /** Commits on their way, those included that have been let go and have not begun yet. */
  let underWay = 0
  let resuming = 0
  /** Positions were given to a commit that did not take them. */
  let stale = false
  let reading = false
  /** The last preparation that takes time; what comes later is written behind it. */
  let behind: Promise<unknown> | undefined

  const take = (table: string): number => {
    const position = next.get(table) ?? 1
    next.set(table, position + 1)
    return position
  }

  const unknown = (ops: readonly Op[]): string | undefined => {
    for (const op of ops) if (op.op === "append" && !next.has(op.table)) return op.table
    return undefined
  }

  const send = (ops: readonly Op[]): Promise<CommitResult> => {
    const prepared = prepare(ops, take)
    if (behind === undefined && !(prepared instanceof Promise)) return write(prepared)
    const turn = (behind ?? Promise.resolve()).then(() => prepared)
    // Whoever comes behind does not care how it ended.
    const settled: Promise<unknown> = turn.catch(() => undefined)
    behind = settled
    void settled.then(() => {
      if (behind === settled) behind = undefined
    })
    return turn.then(write)
  }

  /** Lets go of all that waits, once nothing is on its way and every position is known. */
  const pump = async (): Promise<void> => {
    if (underWay > 0 || reading) return
    if (stale) {
      next.clear()
      stale = false
    }
    reading = true
    try {
      for (let table = unknownOfAll(); table !== undefined; table = unknownOfAll()) {
        next.set(table, (await tail(table)) + 1)
      }
    } catch (thrown) {
      for (const one of waiting.splice(0)) one.fail(thrown)
    } finally {
      reading = false
    }
    const all = waiting.splice(0)
    underWay += all.length
    resuming += all.length
    for (const one of all) one.go()
    rest()
  }

  const rest = (): void => {
    if (underWay === 0 && waiting.length === 0) for (const idle of idlers.splice(0)) idle()
  }

  const unknownOfAll = (): string | undefined => {
    for (const { ops } of waiting) {
      const table = unknown(ops)
      if (table !== undefined) return table
    }
    return undefined
  }

  const turn = (order: number, ops: readonly Op[]): Promise<void> =>
    new Promise((resolve, reject) => {
      const at = waiting.findIndex((one) => one.order > order)
      const one = { order, ops, go: resolve, fail: reject }
      if (at < 0) waiting.push(one)
      else waiting.splice(at, 0, one)
      void pump()
    })

  const ended = (): void => {
    underWay--
    if (underWay === 0 && waiting.length > 0) void pump()
    rest()
  }

  /** What a result says to those behind; true when the commit is to be made anew. */
  const judge = (ops: readonly Op[], result: CommitResult): boolean => {
    if (result.ok) return false
    if (ops.some(({ op }) => op === "append")) stale = true
    return isReckoned(ops[result.op])
  }

  const lost = (thrown: unknown): never => {
    // Whether it was written is not known.
    stale = true
    ended()
    throw thrown
  }

  /** The rest of a commit that had to wait, or has to be made anew. */
  const goOn = async (order: number, ops: readonly Op[], first: Promise<void>): Promise<CommitResult> => {
    for (let wait = first; ; ) {
      await wait
      resuming--
      let result: CommitResult
      try {
        result = await send(ops)
      } catch (thrown) {
        return lost(thrown)
      }
      const again = judge(ops, result)
      // In its place among those that wait, before any of them is let go.
      if (again) wait = turn(order, ops)
      ended()
      if (!again) return result
    }
  }

  return {
    commit(ops) {
      const order = asked++
      const mustWait = stale || reading || resuming > 0 || waiting.length > 0 || unknown(ops) !== undefined
      if (mustWait) return goOn(order, ops, turn(order, ops))
      underWay++
      let sent: Promise<CommitResult>
      try {
        sent = send(ops)
      } catch (thrown) {
        sent = Promise.reject(toError(thrown))
      }
      // No more promises than this one: most commits come this way.
      return sent.then((result) => {
        const again = judge(ops, result)
        const rest = again ? goOn(order, ops, turn(order, ops)) : result
        ended()
        return rest
      }, lost)
    },

    get resting() {
      return underWay === 0 && waiting.length === 0
    },

    idle() {
      if (underWay === 0 && waiting.length === 0) return Promise.resolve()
      return new Promise((resolve) => idlers.push(resolve))
    },
  }
}

/** True for a log row whose place nobody but us has named. */
function isReckoned(op: Op | undefined): boolean {
  return op?.op === "append" && op.position === undefined
}
