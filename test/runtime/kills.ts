import type { SandboxPhone } from "../sandbox/index.ts"
import { audit } from "./audit.ts"
import { connected, linkedOnce, openStage, type Stage, wait } from "./stage.ts"
import { createTraffic, pick, type Sent, startNoise, type Traffic } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface KillOptions {
  readonly kills: number
  /** Another composition of the server, to see what its durable write is for. */
  readonly config?: string
  readonly runtime?: "node" | "deno"
  /** How long what was promised may take to arrive after the last kill, ms. */
  readonly settleMs?: number
  readonly log?: (line: string) => void
}

export interface KillFigures {
  readonly kills: number
  /** Kills that hit the send they were aimed at before it was answered. */
  readonly hits: number
  /** Median time of a send under the same traffic, ms: the span that the kills are spread over. */
  readonly spanMs: number
  readonly verdict: Verdict
  /** Records of credentials and messages that were read back after the last end; 0 under another composition. */
  readonly recordsRead: number
}

const CONTACTS = ["79001230001", "79001230002"]
const BACK_MS = 20_000

/**
 * Kills the server again and again, each time at a random moment within the span of one send, while two companies send and
 * receive; then compares what was promised with what arrived. Rejects when a line had to be linked again, when a stored
 * record cannot be read, or when fewer than half of the kills hit a send without an answer: such a run shows nothing.
 */
export async function runKills(options: KillOptions): Promise<KillFigures> {
  const { kills, config, runtime = "node", settleMs = 30_000, log = () => undefined } = options
  const stage = await openStage({
    runtime,
    // As users run it; another composition is not among what is compiled.
    compiled: runtime === "node" && config === undefined,
    env: config === undefined ? {} : { WHATSAPP_CONFIG: config },
  })
  try {
    await stage.link(2)
    const contacts = await Promise.all(CONTACTS.map((number) => stage.phone(number)))
    const traffic = createTraffic(stage)
    const spanMs = await measureSpan(stage, traffic, contacts)
    log(`a send takes ${spanMs.toFixed(1)} ms`)

    let hits = 0
    for (let kill = 1; kill <= kills; kill++) {
      const aimed = await killWithin(spanMs, stage, traffic, contacts)
      if (aimed.status === 0) hits++
      // Written while nobody is there: WhatsApp keeps it for the line.
      await traffic.write(pick(contacts, kill), pick(stage.companies, kill))
      await stage.start()
      await Promise.all(stage.companies.map((company) => connected(stage.platform, company, BACK_MS)))
      log(`kill ${kill} of ${kills}: ${aimed.status === 0 ? "hit" : `answered ${aimed.status} before`}`)
    }
    const verdict = await judge(stage, traffic, contacts, settleMs)
    await linkedOnce(stage)
    if (hits * 2 < kills) throw new Error(`only ${hits} of ${kills} kills hit a send without an answer`)
    await stage.platform.stop()
    const recordsRead = config === undefined ? await audit(stage.folder) : 0
    return { kills, hits, spanMs, verdict, recordsRead }
  } finally {
    await stage.close()
  }
}

const WARM = 4
const MEASURED = 20

/** Median of answered sends while the other company sends and both receive. */
async function measureSpan(stage: Stage, traffic: Traffic, contacts: readonly SandboxPhone[]): Promise<number> {
  const noise = startNoise(stage, traffic, contacts)
  const times: number[] = []
  for (let i = 0; i < WARM + MEASURED; i++) {
    const { ms, status } = await traffic.send(pick(stage.companies, 0), pick(contacts, i))
    if (status !== 200) throw new Error(`a send before the first kill was answered ${status}`)
    if (i >= WARM) times.push(ms)
  }
  await noise.stop()
  return times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0
}

const CALM_MS = 100

async function killWithin(
  spanMs: number,
  stage: Stage,
  traffic: Traffic,
  contacts: readonly SandboxPhone[],
): Promise<Sent> {
  const noise = startNoise(stage, traffic, contacts)
  await wait(Math.random() * CALM_MS)
  // Stored, answered and perhaps still waiting for their turn when the end comes.
  const waiting = [0, 1, 2].map((i) => traffic.send(pick(stage.companies, 1), pick(contacts, i), { async: true }))
  const moment = performance.now() + Math.random() * spanMs
  const aimed = traffic.send(pick(stage.companies, 0), pick(contacts, traffic.sent.length))
  // Timers are too coarse for this: a turn of the event loop is not.
  while (performance.now() < moment) await new Promise((resolve) => setImmediate(resolve))
  await stage.platform.kill()
  await Promise.all([...waiting, noise.stop()])
  return aimed
}
