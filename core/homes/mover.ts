import type { Clock } from "../clock.ts"
import { appError, isAppError, toError } from "../errors.ts"
import type { Events } from "../events.ts"
import type { Homes } from "./homes.ts"
import { HOME_TABLE, type HomeRecord, isUnderWay, type MoveRecord, type MoveState } from "./record.ts"
import type { Ledger } from "../ledger.ts"
import type { Line } from "../line/line.ts"
import type { Logger } from "../log.ts"
import type { Sessions } from "../sessions.ts"

/** A move as it is shown. Times are epoch ms. */
export interface MoveView extends MoveRecord {
  /** Records copied so far, and how many there are; null while nothing is being copied. */
  readonly copied: number | null
  readonly total: number | null
}

/** Takes companies from store to store while they stay linked. */
export interface Mover {
  /** Throws what keeps a company from going there: STORE_OCCUPIED, STORAGE_UNAVAILABLE, MOVE_UNDER_WAY. */
  check(company: string, to: string): Promise<void>
  /**
   * Puts a company that has no auth state yet into a store at once (undefined), or begins a move there. The move is on
   * record when this resolves. To be called after `check`.
   */
  begin(company: string, to: string): Promise<MoveView | undefined>
  /** The last move. */
  view(company: string): Promise<MoveView | null>
  /** Goes on with what a crash or an outage has interrupted. */
  resume(): Promise<void>
  /** Begins nothing new; resolves when what is under way has come to an end or to a safe place. */
  stop(): Promise<void>
}

export interface MoverDeps {
  readonly homes: Homes
  readonly sessions: Sessions
  readonly events: Events
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
}

const DUE_AT_ONCE = 100
const CAUSE = "moving to another store"

export function createMover({ homes, sessions, events, ledger, clock, log }: MoverDeps): Mover {
  const running = new Map<string, Promise<void>>()
  const progress = new Map<string, { copied: number; total: number }>()
  let stopping = false

  const record = async (company: string, home: HomeRecord): Promise<void> => {
    const { move } = home
    const told =
      move && events.draft("storage.move", { from: move.from, to: move.to, state: move.state, error: move.error })
    const done = await events.commit(company, [homes.place(home)], told === null ? [] : [told])
    if (!done.ok) throw appError("STORAGE_UNAVAILABLE")
    homes.placed(company, home)
  }

  const step = (move: MoveRecord, state: MoveState): MoveRecord => ({ ...move, state })
  const ended = (move: MoveRecord, state: MoveState, error: MoveRecord["error"] = null): MoveRecord => ({
    ...move,
    state,
    error,
    endedAt: clock.now(),
  })

  /** The old store is in charge until the one commit that names the new one. */
  const transfer = async (company: string, move: MoveRecord, again: boolean): Promise<MoveRecord> => {
    await record(company, { store: move.from, move: step(move, "copying") })
    await homes.copy(company, move, again, (copied, total) => {
      if (stopping) throw appError("SHUTTING_DOWN")
      progress.set(company, { copied, total })
    })
    const copied = step(move, "removing")
    await record(company, { store: move.to, move: copied })
    return copied
  }

  /** Removes the copy that is not in charge. */
  const tidy = async (company: string, move: MoveRecord): Promise<void> => {
    if (move.state === "removing") {
      await homes.eraseIn(company, move.from)
      await record(company, { store: move.to, move: ended(move, "done") })
    } else if (move.state === "undoing") {
      await homes.eraseIn(company, move.to)
      await record(company, { store: move.from, move: ended(move, "failed", move.error) })
    }
  }

  /** The line lets go of its store, and keeps its wish to be connected; gives back a pairing that was under way. */
  const rest = (company: string): Promise<Line["link"]> =>
    sessions.serial(company, async () => {
      const line = sessions.peek(company)
      const link = line?.link
      await line?.pause(CAUSE)
      return link
    })

  const revive = async (company: string, link: Line["link"]): Promise<void> => {
    const line = sessions.peek(company)
    if (stopping || line === undefined || line.live || !(line.record.wanted || link !== undefined)) return
    try {
      await sessions.start(line, () => line.start(link, "moved"))
    } catch (thrown) {
      log.warn({ company, error: toError(thrown).message }, "A line was not started again after its move")
    }
  }

  const fail = async (company: string, move: MoveRecord, thrown: unknown, wrote: boolean): Promise<MoveRecord> => {
    const { from, to } = move
    const message = toError(thrown).message
    log.error({ company, from, to, error: message }, "A move failed; the old store stays in charge")
    const error = isAppError(thrown)
      ? { code: thrown.code, message: thrown.message }
      : { code: "INTERNAL_ERROR", message: "The move failed; the log says why" }
    const failed: MoveRecord = wrote ? { ...move, state: "undoing", error } : ended(move, "failed", error)
    await record(company, { store: from, move: failed })
    return failed
  }

  const run = async (company: string, move: MoveRecord, again: boolean): Promise<void> => {
    const link = await rest(company)
    let left = move
    try {
      await homes.alone(company, async () => {
        try {
          // A send may have started it in between.
          await sessions.peek(company)?.pause(CAUSE)
          left = await transfer(company, move, again)
        } catch (thrown) {
          // A stop leaves the move as it is on record, for the next start to take up.
          if (!stopping) left = await fail(company, move, thrown, again || progress.has(company))
        }
      })
    } finally {
      progress.delete(company)
      await revive(company, link)
    }
    if (!stopping) await tidy(company, left)
  }

  const launch = (company: string, work: () => Promise<void>): void => {
    const done = work()
      .catch((thrown: unknown) => {
        log.warn({ company, error: toError(thrown).message }, "A move is still to be finished; it is tried again")
      })
      .finally(() => running.delete(company))
    running.set(company, done)
  }

  const show = (company: string, move: MoveRecord): MoveView => ({
    ...move,
    copied: progress.get(company)?.copied ?? null,
    total: progress.get(company)?.total ?? null,
  })

  return {
    async check(company, to) {
      const home = await homes.learn(company)
      if (running.has(company) || isUnderWay(home?.move ?? null)) throw appError("MOVE_UNDER_WAY")
      await homes.checkRoom(company, to)
    },

    async begin(company, to) {
      const home = await homes.learn(company)
      if (home === undefined && (await sessions.companies.record(company)) === undefined && !sessions.peek(company)) {
        await record(company, { store: to, move: null })
        return undefined
      }
      const from = homes.nameOf(company)
      const move: MoveRecord = { from, to, state: "waiting", startedAt: clock.now(), endedAt: null, error: null }
      await record(company, { store: from, move })
      launch(company, () => run(company, move, false))
      return show(company, move)
    },

    async view(company) {
      const move = (await homes.learn(company))?.move ?? null
      return move && show(company, move)
    },

    async resume() {
      for (const { company } of await ledger.due(HOME_TABLE, clock.now(), DUE_AT_ONCE)) {
        const move = (await homes.learn(company))?.move ?? null
        if (stopping || running.has(company) || !isUnderWay(move)) continue
        if (move.state === "removing" || move.state === "undoing") launch(company, () => tidy(company, move))
        else launch(company, () => run(company, move, true))
      }
    },

    async stop() {
      stopping = true
      await Promise.all(running.values())
    },
  }
}
