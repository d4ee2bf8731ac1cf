import { BLOCKED_NUMBER, type Cast, gatherCast } from "./counter-cast.ts"
import { type Book, createMix, type Mix } from "./counter-mix.ts"
import { startPolls } from "./counter-polls.ts"
import { type Account, settleAccounts } from "./counter-truth.ts"
import { connected, openStage, type Stage, wait } from "./stage.ts"
import { pick } from "./traffic.ts"

export interface CounterOptions {
  readonly operations: number
  readonly kills: number
  /** Breaks of single connections, each in another way. */
  readonly cuts: number
  /** Companies beside the one that WhatsApp refuses everything and the one that is kept to a limit. */
  readonly ordinary: number
  /** How many operations are under way at once. */
  readonly atOnce: number
  /** Another composition of the server, to see what its counting in one commit is for. */
  readonly config?: string
  readonly compiled?: boolean
  /** How long the accounts may take to agree after the last operation, ms. */
  readonly settleMs?: number
  readonly log?: (line: string) => void
}

export interface CounterFigures {
  readonly operations: number
  readonly kills: number
  readonly cuts: number
  /** Requests that a kill left without an answer. */
  readonly unanswered: number
  readonly answers: Readonly<Record<string, number>>
  readonly polls: number
  /** Numbers that were seen to be smaller than before. */
  readonly wentBack: readonly string[]
  readonly account: Account
  /** From the first operation to the last, and until the accounts agreed, ms. */
  readonly mixedMs: number
  readonly settledMs: number
}

const BACK_MS = 60_000
/** For a message that a fault is armed for, in steps of 10 ms. */
const MOST_WAITED = 200

/**
 * Sends, receives and fails in every way there is, on several companies, while the server is killed and its lines are cut;
 * then compares what is counted with what the sandbox really sent and received. The figures are read all the while.
 */
export async function runCounters(options: CounterOptions): Promise<CounterFigures> {
  const { operations, kills, cuts, ordinary, atOnce, config, settleMs = 60_000, log = () => undefined } = options
  const stage = await openStage({
    compiled: options.compiled === true && config === undefined,
    env: {
      WHATSAPP_BLOCKED_NUMBERS: BLOCKED_NUMBER,
      WHATSAPP_RECONNECT_DELAY: "200",
      ...(config !== undefined && { WHATSAPP_CONFIG: config }),
    },
  })
  try {
    const cast = await gatherCast(stage, ordinary)
    const polls = startPolls(() => stage.platform)
    const life = createLife(stage, cast)
    const mix = createMix(stage, cast, life.alive)
    const begun = performance.now()

    const troubles = [
      atMoments(kills, mix, operations, async (kill) => {
        await life.killed()
        log(`kill ${kill} of ${kills} after ${mix.done} operations`)
      }),
      atMoments(cuts, mix, operations, (cut) => cutSomehow(stage, cast, cut)),
    ]
    let left = operations
    // Some go on as soon as there is a server; most wait until its lines are back.
    const worker = async (_: unknown, index: number): Promise<void> => {
      while (left-- > 0) {
        if (index > 1) await life.well()
        await mix.step()
      }
    }
    await Promise.all([...Array.from({ length: atOnce }, worker), ...troubles])
    const mixedMs = performance.now() - begun
    log(`${mix.done} operations in ${(mixedMs / 1000).toFixed(1)} s`)

    const account = await agreed(stage, cast, mix.book, settleMs)
    const settledMs = performance.now() - begun - mixedMs
    await polls.stop()
    const { answers } = mix.book
    return {
      operations: mix.done,
      kills,
      cuts,
      unanswered: answers.get(0) ?? 0,
      answers: Object.fromEntries([...answers].sort(([a], [b]) => a - b).map(([status, count]) => [status, count])),
      polls: polls.count,
      wentBack: polls.wentBack,
      account,
      mixedMs,
      settledMs,
    }
  } finally {
    await stage.close()
  }
}

interface Life {
  /** There is a server to talk to. */
  alive(): Promise<void>
  /** Its lines are connected. */
  well(): Promise<void>
  /** kill -9, and a new one. */
  killed(): Promise<void>
}

function createLife(stage: Stage, cast: Cast): Life {
  let up: Promise<unknown> = Promise.resolve()
  let back: Promise<unknown> = Promise.resolve()
  return {
    async alive() {
      await up
    },
    async well() {
      await back
    },
    async killed() {
      await stage.platform.kill()
      up = stage.start()
      back = up.then(() => Promise.all(cast.all.map((company) => connected(stage.platform, company, BACK_MS))))
      await back
    },
  }
}

/** Does something so many times, spread at random over the operations. */
async function atMoments(
  times: number,
  mix: Mix,
  operations: number,
  act: (turn: number) => Promise<void>,
): Promise<void> {
  for (let turn = 1; turn <= times; turn++) {
    const moment = (operations * (turn - 1 + Math.random())) / times
    while (mix.done < moment) await wait(5)
    await wait(Math.random() * 20)
    await act(turn)
  }
}

/** Breaks a line, or arms what will go wrong with its next messages. */
async function cutSomehow({ sandbox }: Stage, { ordinary }: Cast, turn: number): Promise<void> {
  const { line, number } = pick(ordinary, Math.floor(Math.random() * ordinary.length))
  const ways: readonly (() => Promise<unknown>)[] = [
    () => line.cut(),
    () => line.swallow(300),
    () => line.streamError({ code: 503 }),
    () => sandbox.fault({ kind: "duplicate", line: number, count: 3 }),
    () => sandbox.fault({ kind: "slow-ack", line: number, count: 3, ms: 200 }),
    () => sandbox.fault({ kind: "garble", line: number, count: 1 }),
    () => sandbox.fault({ kind: "lose-message", line: number, count: 1 }),
    () => sandbox.fault({ kind: "delay-receipts", line: number, forMs: 500, ms: 300 }),
    () => sandbox.fault({ kind: "hold-queue", line: number, forMs: 300 }),
    async () => {
      const fault = await sandbox.fault({ kind: "missing-ack", line: number, count: 1 })
      for (let waited = 0; waited < MOST_WAITED && (await fault.now()).hits === 0; waited++) await wait(10)
      // Said again after the next login, or proven by a receipt before.
      await line.cut()
    },
  ]
  await pick(ways, turn)()
}

/** Waits until everything agrees, or has not for `ms`. */
async function agreed(stage: Stage, cast: Cast, book: Book, ms: number): Promise<Account> {
  await stage.sandbox.clearFaults()
  // An acknowledgement that is still missing is asked for at the next login.
  await Promise.all(cast.ordinary.map(({ line }) => line.cut()))
  const end = performance.now() + ms
  for (;;) {
    await Promise.all(cast.all.map((company) => connected(stage.platform, company, BACK_MS)))
    const account = await settleAccounts(stage, cast, book)
    if (account.differences.length === 0 || performance.now() > end) return account
    await wait(200)
  }
}
