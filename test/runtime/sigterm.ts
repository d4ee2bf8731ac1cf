import { linkedOnce, type Stage, wait } from "./stage.ts"
import { createTraffic } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface SigtermFigures {
  readonly lines: number
  /** Sends without an answer when the signal came. */
  readonly inFlight: number
  /** Of those, how many never had one. */
  readonly cutOff: number
  readonly exitCode: number | null
  readonly tookMs: number
  readonly verdict: Verdict
}

export interface SigtermOptions {
  /** Sends of each line that are in flight at any time. */
  readonly each: number
  readonly loadMs: number
}

const CONTACT = "79001234001"
const SETTLE_MS = 60_000

/** SIGTERM while every line sends: how it ends, and what is there after the next start. */
export async function runSigterm(stage: Stage, { each, loadMs }: SigtermOptions): Promise<SigtermFigures> {
  const contact = await stage.phone(CONTACT)
  const traffic = createTraffic(stage)
  let running = true
  const sender = async (index: number): Promise<void> => {
    const company = stage.companies[index % stage.companies.length]
    for (let i = index; running && company; i++) {
      const { status } = await traffic.send(company, contact, { async: i % 2 === 0 })
      if (status === 0) return
    }
  }
  const senders = Array.from({ length: stage.companies.length * each }, (_, index) => sender(index))
  await wait(loadMs)
  const flying = traffic.sent.filter(({ ms }) => ms === 0)
  const begun = performance.now()
  const exitCode = await stage.platform.stop()
  const tookMs = performance.now() - begun
  running = false
  await Promise.all(senders)

  await stage.start()
  const verdict = await judge(stage, traffic, [contact], SETTLE_MS)
  await linkedOnce(stage)
  const cutOff = flying.filter(({ status }) => status === 0).length
  return { lines: stage.companies.length, inFlight: flying.length, cutOff, exitCode, tookMs, verdict }
}
