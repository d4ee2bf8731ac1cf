import type { Clock } from "../clock.ts"
import { appError, isAppError, toError } from "../errors.ts"
import type { Homes } from "../homes/homes.ts"
import { isUnderWay, loadHome } from "../homes/record.ts"
import type { Ledger, Op } from "../ledger.ts"
import type { Logger } from "../log.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import type { Call } from "../types.ts"
import type { TotalsBook } from "../monitor/totals-book.ts"
import { within } from "../within.ts"
import type { Guard } from "./guard.ts"

/** Erasing everything that a company ever had. */
export interface Erasure {
  /**
   * What is left to do when this resolves is on record, and is done as soon as it can be. Throws NOT_FOUND for a company
   * that does not exist, MOVE_UNDER_WAY, SESSION_OWNED_ELSEWHERE, and STORAGE_UNAVAILABLE when nothing was begun.
   */
  erase(call: Call): Promise<Erased>
  /** Lets a company begin anew. Throws STORAGE_UNAVAILABLE while something of an earlier one is still there. */
  admit(company: string): Promise<void>
  /**
   * Empties a company without logging out, and lets `work` make it anew: if that does not come to its end, nothing of the
   * company is left. One command for the company as long as it lasts.
   */
  replace(company: string, work: () => Promise<void>): Promise<void>
  /** Goes on with what a crash or a dead store has interrupted; resolves when those companies cannot be found any more. */
  resume(): Promise<void>
}

export interface Erased {
  /** WhatsApp has been told. */
  readonly unlinked: boolean
  /** Stores that could not be reached and still hold auth state; it is erased once they are back. */
  readonly pending: readonly string[]
}

export interface ErasureDeps {
  /** Unguarded. */
  readonly ledger: Ledger
  readonly guard: Guard
  /** What becomes of the company's counts where its records are replaced. */
  readonly totals?: TotalsBook["ends"] | undefined
  readonly homes: Homes
  readonly clock: Clock
  readonly log: Logger
  exists(company: string): Promise<boolean>
  /** One command after another for each company. */
  serial<T>(company: string, command: () => Promise<T>): Promise<T>
  /** Ends the line, logging out or not, and all that is at work for the company. True when WhatsApp has been told. */
  silence(company: string, logout: boolean): Promise<boolean>
  /** Forgets what is in memory of it. */
  forget(company: string): void
  /** The operations that remove what the house itself has noted of a company, in portions. */
  traces(company: string): AsyncIterable<readonly Op[]>
}

interface Mark {
  readonly at: number
  /** Stores that may hold something. */
  readonly stores: readonly string[]
}

const HOUSE = ""
const TABLE = "erasure"
const DUE_AT_ONCE = 100
/** What a store gets to answer before it counts as away. */
const STORE_MS = 10_000

export function createErasure(deps: ErasureDeps): Erasure {
  const { ledger, guard, homes, clock, log } = deps
  /** Companies whose mark somebody is at work on, however long that takes. */
  const busy = new Set<string>()

  const alone = async <T>(company: string, work: () => Promise<T>): Promise<T> => {
    if (busy.has(company)) throw appError("STORAGE_UNAVAILABLE", { message: "The company is still being erased" })
    busy.add(company)
    try {
      return await work()
    } finally {
      busy.delete(company)
    }
  }

  const load = async (company: string): Promise<Mark | undefined> => {
    const [row] = await ledger.get(HOUSE, TABLE, [company])
    return row && decodeRecord<Mark>(row.value, `erasure of ${company}`)
  }

  const write = async (company: string, mark: Mark): Promise<void> => {
    const value = encodeRecord(mark)
    await ledger.commit(HOUSE, [{ op: "put", table: TABLE, key: company, value, due: 0 }])
  }

  const unmark = async (company: string): Promise<void> => {
    await ledger.commit(HOUSE, [{ op: "delete", table: TABLE, key: company }])
  }

  /** True when the store has nothing of the company any more. */
  const eraseIn = async (company: string, store: string): Promise<boolean> => {
    try {
      const erased = homes.alone(company, () => homes.eraseIn(company, store))
      if (await within(clock, STORE_MS, erased)) return true
      log.warn({ company, store }, "A store does not answer; what it has of an erased company is still to be removed")
    } catch (thrown) {
      const error = toError(thrown).message
      log.warn({ company, store, error }, "A store still has something of an erased company; it is tried again")
    }
    return false
  }

  const eraseHere = async (company: string): Promise<void> => {
    for await (const ops of deps.traces(company)) await ledger.commit(HOUSE, ops)
    await ledger.erase(company)
    deps.forget(company)
  }

  /** Erases everything, and gives the stores that are left. */
  const empty = async (company: string, mark: Mark): Promise<readonly string[]> => {
    await eraseHere(company)
    const done = await Promise.all(mark.stores.map(async (store) => ({ store, gone: await eraseIn(company, store) })))
    // Again: whoever still waited for a store may have noted where the company is.
    await ledger.erase(company)
    return done.flatMap(({ store, gone }) => (gone ? [] : [store]))
  }

  /** Does what a mark says, and gives the stores that are left. */
  const finish = async (company: string, mark: Mark): Promise<readonly string[]> => {
    const left = await empty(company, mark)
    if (left.length === 0) await unmark(company)
    else if (left.length < mark.stores.length) await write(company, { ...mark, stores: left })
    return left
  }

  const isAway = (stores: readonly string[]): Error => {
    const message = `An earlier company of this id is still being erased: store ${stores.join(", ")} is away`
    return appError("STORAGE_UNAVAILABLE", { message })
  }

  /** Where auth state of the company may be. */
  const storesOf = async (company: string): Promise<readonly string[]> => {
    const home = await loadHome(ledger, company)
    if (isUnderWay(home?.move ?? null)) throw appError("MOVE_UNDER_WAY")
    return [home?.store ?? homes.standard]
  }

  /** Throws for a company whose line another process runs: that one has to be asked. */
  const refuseForeign = async (company: string): Promise<void> => {
    const claimed = homes.tend(company, async () => undefined)
    await within(clock, STORE_MS, claimed).catch((thrown: unknown) => {
      // What a store has that is away is erased once it is back.
      if (isAppError(thrown) && thrown.code === "SESSION_OWNED_ELSEWHERE") throw thrown
    })
  }

  return {
    erase: ({ company }) =>
      deps.serial(company, () =>
        alone(company, async () => {
          let mark = await load(company)
          let unlinked = false
          if (mark === undefined) {
            if (!(await deps.exists(company))) throw appError("NOT_FOUND", { message: "This company does not exist" })
            mark = { at: clock.now(), stores: await storesOf(company) }
            await refuseForeign(company)
            await write(company, mark)
            guard.close(company)
            unlinked = await deps.silence(company, true)
          }
          return { unlinked, pending: await finish(company, mark) }
        }),
      ),

    async admit(company) {
      const mark = await load(company)
      if (mark !== undefined) {
        const left = await alone(company, () => finish(company, mark))
        if (left.length > 0) throw isAway(left)
      }
      guard.open(company)
    },

    replace: (company, work) =>
      alone(company, async () => {
        const mark = { at: clock.now(), stores: await storesOf(company) }
        await write(company, mark)
        guard.close(company)
        await deps.silence(company, false)
        await deps.totals?.hold(company)
        try {
          const left = await empty(company, mark)
          if (left.length > 0) throw isAway(left)
          try {
            await work()
            await deps.totals?.keep(company)
          } catch (thrown) {
            deps.totals?.drop(company)
            await finish(company, mark)
            throw thrown
          }
        } finally {
          deps.totals?.drop(company)
        }
        await unmark(company)
        guard.open(company)
      }),

    async resume() {
      for (const { key: company } of await ledger.due(TABLE, clock.now(), DUE_AT_ONCE)) {
        if (busy.has(company)) continue
        let vanished = (): void => undefined
        const unseen = new Promise<void>((resolve) => {
          vanished = resolve
        })
        const finished = deps.serial(company, () =>
          alone(company, async () => {
            // The company's next beginning may have been quicker.
            const mark = await load(company)
            if (mark === undefined) return
            guard.close(company)
            await eraseHere(company)
            vanished()
            await finish(company, mark)
          }),
        )
        // Stores are erased beside the others: one that hangs holds up its own company alone.
        const ended = finished.catch((thrown: unknown) => {
          log.warn({ company, error: toError(thrown).message }, "An erasure is still to be finished")
        })
        await Promise.race([unseen, ended])
      }
    },
  }
}
