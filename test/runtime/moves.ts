import { type Platform, until } from "../support/platform.ts"
import { type Backing, envOf, holdingsOf } from "./backings.ts"
import { dataOf, linkedOnce, openStage, type Stage, type StageCompany, wait } from "./stage.ts"
import { createTraffic, pick, type Sent, startNoise } from "./traffic.ts"
import { judge, outOfOrder, type Verdict } from "./verdict.ts"

/** The last move of a company, as its settings show it. */
export interface ShownMove {
  readonly from: string
  readonly to: string
  readonly state: "waiting" | "copying" | "removing" | "undoing" | "done" | "failed"
  readonly startedAt: string
  readonly endedAt: string | null
  readonly copied: number | null
  readonly total: number | null
  readonly error: { readonly code: string; readonly message: string } | null
}

export interface MoveOptions {
  /** Where the company goes, one after another and round again; it begins in the first. */
  readonly ring: readonly Backing[]
  readonly moves: number
  /** Traffic before the first move and after each, ms. */
  readonly calmMs?: number
  readonly env?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

export interface MoveFigures {
  readonly moves: number
  /** From the request to the end of the move, ms. */
  readonly tookMs: readonly number[]
  /** Records of the company in the last store. */
  readonly records: number
  /** Answer times of the company that stays, ms: without a move, and during one. */
  readonly calmMs: Times
  readonly besideMs: Times
  /** Sends of the company that is moved which were answered during a move. */
  readonly sentDuring: number
  readonly verdict: Verdict
  /** Texts that came before one of the same chat that was accepted earlier. */
  readonly outOfOrder: readonly string[]
}

export interface Times {
  readonly count: number
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export const CONTACTS = ["79001235001", "79001235002"]
const MOVED_MS = 60_000
const SETTLE_MS = 60_000
const LEFT_MS = 10_000

/**
 * Moves one of two companies from store to store while both send and receive. Rejects when a move does not come to its
 * end, when the old store keeps a record, or when a line had to be linked again.
 */
export async function runMoves(options: MoveOptions): Promise<MoveFigures> {
  const { ring, moves, calmMs = 2_000, env = {}, log = () => undefined } = options
  const stage = await openStage({ env: { ...envOf(ring), ...env }, compiled: true })
  try {
    const [moved, stays] = await stage.link(2)
    if (moved === undefined || stays === undefined) throw new Error("no companies")
    const contacts = await Promise.all(CONTACTS.map((number) => stage.phone(number)))
    const traffic = createTraffic(stage)
    const noise = startNoise(stage, traffic, contacts)
    await wait(calmMs)
    const before = traffic.sent.length
    const tookMs: number[] = []
    const during: Sent[] = []
    for (let i = 1; i <= moves; i++) {
      const [from, to] = [pick(ring, i - 1), pick(ring, i)]
      const begun = traffic.sent.length
      const { move, ms } = await moveOnce(stage.platform, moved, to.name)
      if (move.state !== "done") throw new Error(`${from.name} to ${to.name}: ${JSON.stringify(move)}`)
      tookMs.push(ms)
      during.push(...traffic.sent.slice(begun))
      log(`${from.name} to ${to.name}: ${ms} ms`)
      await emptied(from, stage, moved)
      await wait(calmMs)
    }
    await noise.stop()
    const verdict = await judge(stage, traffic, contacts, SETTLE_MS)
    await linkedOnce(stage)
    const held = await holdingsOf(pick(ring, moves), stage.folder, moved.id)
    return {
      moves,
      tookMs,
      records: held.length,
      calmMs: timesOf(traffic.sent.slice(0, before), stays),
      besideMs: timesOf(during, stays),
      sentDuring: during.filter(({ company }) => company === moved).length,
      verdict,
      outOfOrder: await outOfOrder(traffic, contacts),
    }
  } finally {
    await stage.close()
  }
}

/** Asks for a move, and waits for its end. */
export async function moveOnce(
  platform: Platform,
  company: StageCompany,
  to: string,
): Promise<{ readonly move: ShownMove; readonly ms: number }> {
  for (let tries = 1; ; tries++) {
    const begun = performance.now()
    await askMove(platform, company, to)
    const move = await movedBy(platform, company, MOVED_MS)
    // A store that did not answer in time fails a move and leaves the old store in charge: it is asked for again.
    if (move.state === "done" || tries === TRIES) return { move, ms: Math.round(performance.now() - begun) }
    console.error(`The move of ${company.id} to ${to} is asked for again: ${JSON.stringify(move.error)}`)
  }
}

const TRIES = 3

export async function askMove(platform: Platform, { id }: StageCompany, storage: string): Promise<void> {
  await until(`an answer to the move of ${id} to ${storage}`, MOVED_MS, async () => {
    const { status, body } = await platform.call("PUT", `/api/whatsapp/companies/${id}`, { storage })
    if (status === 202) return true
    // The store has not answered now.
    if (status === 503) return undefined
    throw new Error(`a move to ${storage} is answered ${status}: ${JSON.stringify(body)}`)
  })
}

/** The last move of a company as soon as it has ended. */
export function movedBy(platform: Platform, { id }: StageCompany, ms: number): Promise<ShownMove> {
  let last: ShownMove | null | undefined
  return until(
    () => `the end of the move of ${id}: ${JSON.stringify(last)}`,
    ms,
    async () => {
      const answer = await platform.call("GET", `/api/whatsapp/companies/${id}`)
      last = dataOf<{ move?: ShownMove | null }>(answer).move
      return last && (last.state === "done" || last.state === "failed") ? last : undefined
    },
  )
}

/** Rejects unless a store holds nothing of a company, or soon does. */
export async function emptied(backing: Backing, stage: Stage, { id }: StageCompany): Promise<void> {
  let left: readonly string[] = []
  await until(
    () => `${backing.name} to hold nothing of ${id}: ${left.length} records`,
    LEFT_MS,
    async () => {
      left = await holdingsOf(backing, stage.folder, id)
      return left.length === 0 ? true : undefined
    },
  )
}

/** Times of the sends of some companies that were answered 200. */
export function timesOf(sent: readonly Sent[], ...companies: readonly StageCompany[]): Times {
  const ms = sent
    .filter((one) => companies.includes(one.company) && one.status === 200)
    .map((one) => one.ms)
    .sort((a, b) => a - b)
  const at = (share: number): number => Math.round((ms[Math.floor((ms.length - 1) * share)] ?? 0) * 10) / 10
  return { count: ms.length, p50: at(0.5), p99: at(0.99), max: at(1) }
}
