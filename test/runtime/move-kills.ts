import type { MoveState } from "../../core/homes/record.ts"
import { type Backing, envOf, holdingsOf, homeOf } from "./backings.ts"
import { askMove, CONTACTS, emptied, moveOnce, movedBy } from "./moves.ts"
import { connected, linkedOnce, openStage, type Stage, type StageCompany, wait } from "./stage.ts"
import { createTraffic, pick, startNoise } from "./traffic.ts"
import { judge, outOfOrder, type Verdict } from "./verdict.ts"

export interface MoveKillOptions {
  /** Where the company goes, one after another and round again; it begins in the first. */
  readonly ring: readonly Backing[]
  readonly kills: number
  readonly env?: Readonly<Record<string, string>>
  /** How long what was promised may take to arrive after the last kill, ms. */
  readonly settleMs?: number
  readonly log?: (line: string) => void
}

export interface MoveKillFigures {
  readonly kills: number
  /** Kills that hit a move under way, by the state that was on record. */
  readonly hits: number
  readonly states: Readonly<Partial<Record<MoveState, number>>>
  /** The span that the kills were spread over at last: the time of a move, less where that was too long, ms. */
  readonly spanMs: number
  readonly verdict: Verdict
  readonly outOfOrder: readonly string[]
}

const BACK_MS = 30_000
const MOVED_MS = 60_000
/** A line that has lost its credentials does not come back; it would have within this. */
const AWAY_MS = 5_000
/** Less than a line reads while it comes back again and again: a backlog would only be worked off afterwards. */
const WRITTEN_EVERY_MS = 100
const MEASURED = 3

/**
 * Kills the server at random moments of moves of one of two companies, while both send and receive. Rejects unless after
 * each kill the store on record is complete, the move goes on to its end and leaves nothing in the other store, and no
 * line has to be linked again; and when fewer than half of the kills hit a move that was under way: such a run shows nothing.
 */
export async function runMoveKills(options: MoveKillOptions): Promise<MoveKillFigures> {
  const { ring, kills, env = {}, settleMs = 60_000, log = () => undefined } = options
  const stage = await openStage({ env: { ...envOf(ring), ...env }, compiled: true })
  try {
    const [moved] = await stage.link(2)
    if (moved === undefined) throw new Error("no company")
    const contacts = await Promise.all(CONTACTS.map((number) => stage.phone(number)))
    const traffic = createTraffic(stage)
    const states: Partial<Record<MoveState, number>> = {}
    let at = 0
    let noise = startNoise(stage, traffic, contacts, WRITTEN_EVERY_MS)
    const spans: number[] = []
    while (spans.length < MEASURED) {
      const { move, ms } = await moveOnce(stage.platform, moved, pick(ring, ++at).name)
      if (move.state !== "done") throw new Error(`the move to ${move.to}: ${JSON.stringify(move.error)}`)
      spans.push(ms)
    }
    let spanMs = Math.min(...spans)
    log(`a move takes ${spanMs} ms`)

    for (let kill = 1; kill <= kills; kill++) {
      const [from, to] = [pick(ring, at), pick(ring, at + 1)]
      await askMove(stage.platform, moved, to.name)
      await wait(Math.random() * spanMs)
      await stage.platform.kill()
      await noise.stop()
      const found = await stateAfterKill(stage, moved, from, to)
      // A kill after the end shows nothing: the next ones come sooner.
      if (found === "done") spanMs *= 0.75
      states[found] = (states[found] ?? 0) + 1
      // Written while nobody is there: WhatsApp keeps it for the line.
      await traffic.write(pick(contacts, kill), moved)

      await stage.start()
      noise = startNoise(stage, traffic, contacts, WRITTEN_EVERY_MS)
      const move = await movedBy(stage.platform, moved, MOVED_MS)
      if (move.state !== "done" || move.to !== to.name) throw new Error(`after the kill: ${JSON.stringify(move)}`)
      at++
      await Promise.all(stage.companies.map((company) => connected(stage.platform, company, BACK_MS)))
      await emptied(from, stage, moved)
      log(`kill ${kill} of ${kills}: ${from.name} to ${to.name}, ${found}`)
    }
    await noise.stop()
    const verdict = await judge(stage, traffic, contacts, settleMs)
    await linkedOnce(stage)
    const hits = kills - (states.done ?? 0)
    if (hits * 2 < kills) throw new Error(`only ${hits} of ${kills} kills hit a move that was under way`)
    return { kills, hits, states, spanMs, verdict, outOfOrder: await outOfOrder(traffic, contacts) }
  } finally {
    await stage.close()
  }
}

/** What a kill has left, once it is sure that the store in charge has all that a line needs. */
async function stateAfterKill({ folder }: Stage, { id }: StageCompany, from: Backing, to: Backing): Promise<MoveState> {
  const home = await homeOf(folder, id)
  if (home === undefined) throw new Error(`nothing is on record of ${id}`)
  const { move } = home
  if (move === null || move.from !== from.name || move.to !== to.name) throw new Error("the move is not on record")
  const { state } = move
  const copied = state === "removing" || state === "done"
  const inCharge = copied ? to : from
  if (home.store !== inCharge.name) throw new Error(`${state}, and in charge is ${home.store}`)
  const held = await holdingsOf(inCharge, folder, id)
  const other = await holdingsOf(copied ? from : to, folder, id)
  // Before the copy is verified it is at most as much; afterwards the old one is going.
  if (held.length === 0 || held.length < other.length / 2) {
    throw new Error(
      `${state}: ${inCharge.name} is in charge with ${held.length} records, the other has ${other.length}`,
    )
  }
  return state
}

/** A line after a move to another store and a kill at the end of it, as soon as the old store was left. */
export interface LeftFigures {
  /** Records in the store that is in charge, after the kill. */
  readonly held: number
  readonly connected: boolean
}

/** Moves a line once, kills the server as soon as the old copy has gone, and looks whether the line is still one. */
export async function killAfterMove(from: Backing, to: Backing, config?: string): Promise<LeftFigures> {
  const env = { ...envOf([from, to]), ...(config === undefined ? {} : { WHATSAPP_CONFIG: config }) }
  const stage = await openStage({ env })
  try {
    const [moved] = await stage.link(1)
    if (moved === undefined) throw new Error("no company")
    const { move } = await moveOnce(stage.platform, moved, to.name)
    if (move.state !== "done") throw new Error(JSON.stringify(move))
    await stage.platform.kill()
    const held = await holdingsOf(to, stage.folder, moved.id)
    await stage.start()
    const back = await connected(stage.platform, moved, config === undefined ? BACK_MS : AWAY_MS).then(
      () => true,
      () => false,
    )
    return { held: held.length, connected: back }
  } finally {
    await stage.close()
  }
}
