import { connected, openStage, type Stage, type StageCompany, wait } from "./stage.ts"
import { createTraffic, type Sent, type Traffic } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface CutOptions {
  readonly cuts: number
  /** Texts per second. */
  readonly rate: number
  /** How long the load goes on after each reconnect, ms. */
  readonly calmMs: number
  /** Settings beside the defaults. */
  readonly env?: Readonly<Record<string, string>>
  /** How long what was promised may take to arrive after the last cut, ms. */
  readonly settleMs?: number
  readonly log?: (line: string) => void
}

export interface CutFigures {
  readonly cuts: number
  /** Longest time from a break to the next login, ms. */
  readonly longestAwayMs: number
  readonly verdict: Verdict
}

const CONTACTS = ["79001231001", "79001231002", "79001231003", "79001231004"]
/** What WhatsApp takes and does not read before the connection breaks. */
const SWALLOWED_MS = 3_000
const BACK_MS = 90_000

/** A steady load of texts while the network swallows three seconds of traffic and then breaks, again and again. */
export async function runCuts(options: CutOptions): Promise<CutFigures> {
  const { cuts, rate, calmMs, env = {}, settleMs = 60_000, log = () => undefined } = options
  const stage = await openStage({ env })
  try {
    const [company] = await stage.link(1)
    if (company === undefined) throw new Error("no company")
    const contacts = await Promise.all(CONTACTS.map((number) => stage.phone(number)))
    const traffic = createTraffic(stage)
    for (const contact of contacts) await traffic.send(company, contact)

    const load = startLoad(traffic, company, rate, contacts)
    let longestAwayMs = 0
    for (let cut = 1; cut <= cuts; cut++) {
      await wait(calmMs)
      const away = await cutOnce(stage, company)
      longestAwayMs = Math.max(longestAwayMs, away)
      log(`cut ${cut} of ${cuts}: back ${Math.round(away)} ms after the break`)
    }
    await wait(calmMs)
    await load.stop()
    return { cuts, longestAwayMs, verdict: await judge(stage, traffic, contacts, settleMs) }
  } finally {
    await stage.close()
  }
}

async function cutOnce(stage: Stage, { id, line }: StageCompany): Promise<number> {
  const { loginsAccepted } = await line.view()
  await line.swallow(SWALLOWED_MS)
  await wait(SWALLOWED_MS)
  const broken = performance.now()
  await line.waitFor({ loginsAccepted: loginsAccepted + 1 }, BACK_MS)
  await connected(stage.platform, { id }, BACK_MS)
  return performance.now() - broken
}

function startLoad(
  traffic: Traffic,
  company: StageCompany,
  rate: number,
  contacts: Parameters<Traffic["send"]>[1][],
): { stop(): Promise<void> } {
  const begun = performance.now()
  const flying: Promise<Sent>[] = []
  const timer = setInterval(() => {
    // As many as are due: a late timer must not lower the rate.
    while (flying.length < ((performance.now() - begun) / 1_000) * rate) {
      const contact = contacts[flying.length % contacts.length]
      if (contact) flying.push(traffic.send(company, contact))
    }
  }, 1_000 / rate)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all(flying)
    },
  }
}
