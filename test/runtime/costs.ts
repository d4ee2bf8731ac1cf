import { type Backing, envOf } from "./backings.ts"
import { linkCompany, openStage, type StageCompany, wait } from "./stage.ts"
import { createTraffic } from "./traffic.ts"

/** Counts what a server asks of the store behind it. */
export interface Counted extends Backing {
  /** Requests since the last call. */
  requests(): number
}

export interface CostOptions {
  readonly backing: Counted
  /** Texts each way that follow each other at once, and texts each way with a pause between them. */
  readonly row: number
  readonly alone: number
  readonly log?: (line: string) => void
}

export interface Cost {
  readonly requests: number
  /** Median, by the clock. */
  readonly ms: number
}

export interface Costs {
  readonly store: string
  readonly pairing: Cost
  readonly outAlone: Cost
  readonly outInRow: Cost
  readonly inAlone: Cost
  readonly inInRow: Cost
}

const NUMBER = "4915112349501"
const CONTACT = "79001239501"
const WARM = 10
/** Longer than a store may take to hand on what it has collected. */
const QUIET_MS = 3_000
const APART_MS = 1_500
const DELIVERED_MS = 30_000

/** What linking a line and each text cost at the store of its auth state, while nothing else goes on. */
export async function runCosts({ backing, row, alone, log = () => undefined }: CostOptions): Promise<Costs> {
  const env = { ...envOf([backing]), WHATSAPP_STORAGE: backing.name }
  const stage = await openStage({ env, compiled: true })
  try {
    const contact = await stage.phone(CONTACT)
    const traffic = createTraffic(stage)
    const counted = async (count: number, pauseMs: number, work: () => Promise<void>): Promise<Cost> => {
      const times: number[] = []
      backing.requests()
      for (let i = 0; i < count; i++) {
        const begun = performance.now()
        await work()
        times.push(performance.now() - begun)
        await wait(pauseMs)
      }
      await wait(QUIET_MS)
      times.sort((a, b) => a - b)
      const cost = { requests: backing.requests() / count, ms: times[Math.floor(times.length / 2)] ?? 0 }
      log(`${backing.name}: ${cost.requests.toFixed(2)} requests, ${cost.ms.toFixed(1)} ms`)
      return cost
    }

    await wait(QUIET_MS)
    let company: StageCompany | undefined
    const pairing = await counted(1, 0, async () => {
      company = await linkCompany(stage, "company-1", NUMBER)
    })
    if (company === undefined) throw new Error("no company")
    const linked = company
    const out = async (): Promise<void> => {
      const { status } = await traffic.send(linked, contact)
      if (status !== 200) throw new Error(`a send is answered ${status}`)
    }
    const into = async (): Promise<void> => {
      const { id } = await contact.send(linked.number, "to the company")
      await contact.sent(id, { status: "delivered", ms: DELIVERED_MS, by: linked.number })
    }
    for (let i = 0; i < WARM; i++) {
      await out()
      await into()
    }
    await wait(QUIET_MS)
    return {
      store: backing.name,
      pairing,
      outAlone: await counted(alone, APART_MS, out),
      outInRow: await counted(row, 0, out),
      inAlone: await counted(alone, APART_MS, into),
      inInRow: await counted(row, 0, into),
    }
  } finally {
    await stage.close()
  }
}

/** The requests of one measurement with the times of another, where counting takes time itself. */
export function timedBy(counted: Costs, timed: Costs): Costs {
  const of = (key: Exclude<keyof Costs, "store">): Cost => ({ requests: counted[key].requests, ms: timed[key].ms })
  return {
    store: counted.store,
    pairing: of("pairing"),
    outAlone: of("outAlone"),
    outInRow: of("outInRow"),
    inAlone: of("inAlone"),
    inInRow: of("inInRow"),
  }
}

/** A table in Markdown; plain files ask nobody, so that only their time is told. */
export function costTable(all: readonly Costs[]): string {
  const cell = ({ requests, ms }: Cost, store: string): string =>
    store === "filesystem" ? `${ms.toFixed(0)} ms` : `${requests.toFixed(requests < 10 ? 1 : 0)} · ${ms.toFixed(0)} ms`
  const head = ["store", "a pairing", "a text out, alone", "out, in a row", "a text in, alone", "in, in a row"]
  const rows = all.map(({ store, ...costs }) => [
    store,
    ...[costs.pairing, costs.outAlone, costs.outInRow, costs.inAlone, costs.inInRow].map((cost) => cell(cost, store)),
  ])
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")
}
