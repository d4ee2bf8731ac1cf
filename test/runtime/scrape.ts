import { monitorEventLoopDelay } from "node:perf_hooks"
import { temporaryFolder } from "../support/folder.ts"
import { createRatchet, jsonLook, lasts, type Look, type MetricsBody, seriesOf, sumOf } from "./counter-polls.ts"
import { openScrapeHouse, type ScrapeHouse } from "./scrape-house.ts"

export interface ScrapeOptions {
  readonly companies: number
  /** How many have series of their own. */
  readonly cap: number
  /** How many are erased, and how many come anew, each time. */
  readonly turnover: number
  /** Scrapes whose hold on the event loop is measured, at rest and under traffic each. */
  readonly scrapes: number
  readonly log?: (line: string) => void
}

export interface ScrapeFigures {
  /** Counters that were smaller than before, in sentences. */
  readonly wentBack: readonly string[]
  /** Companies with series of their own and `other`, of the metric that has most. */
  readonly mostNames: number
  /** All series of an exposition, the parts of histograms among them, and its length. */
  readonly series: number
  readonly bytes: number
  /** Sent and received, as Prometheus adds them up and as it was, before the server was ever restarted. */
  readonly counted: number
  readonly talked: number
  /** The longest that the event loop was held up, ms: at rest, during scrapes at rest, under traffic, with both. */
  readonly held: { readonly rest: number; readonly scrape: number; readonly traffic: number; readonly both: number }
  /** Median time of a scrape at rest, ms. */
  readonly scrapeMs: number
}

/**
 * Many companies talk, go and come, beyond those that have series of their own and over a restart; what Prometheus is told
 * is read in between, and at the end it is measured for how long a scrape keeps everything else waiting.
 */
export async function runScrape(options: ScrapeOptions): Promise<ScrapeFigures> {
  const { companies, cap, turnover, scrapes, log = () => undefined } = options
  const folder = await temporaryFolder()
  const env = {
    WHATSAPP_METRICS_COMPANIES: String(cap),
    WHATSAPP_MAX_SESSIONS: String(companies + turnover),
    WHATSAPP_RATE_LIMIT_PER_COMPANY: "1000000",
  }
  // Timers of the house keep no process alive, and this one has nothing else to wait for.
  const awake = setInterval(() => undefined, 1_000)
  const ratchet = createRatchet(lasts)
  let life = 1
  let talked = 0
  let mostNames = 0
  let house = await openScrapeHouse(folder.path, env)
  let present = names(0, companies)

  const look = async (): Promise<Look> => {
    const text = await scrape(house)
    const seen = seriesOf(text)
    ratchet.turn(seen, life)
    const { status, text: json } = await house.call("GET", "/api/whatsapp/metrics")
    if (status !== 200) throw new Error(`The figures are answered ${status}`)
    // Of the companies, some are gone; of all together, nothing is.
    const { metrics } = JSON.parse(json) as { metrics: MetricsBody }
    ratchet.turn(jsonLook({ global: metrics.global, companies: {} }), life)
    mostNames = Math.max(mostNames, namesIn(text))
    return seen
  }
  const talk = async (some: readonly string[]): Promise<void> => {
    await together(some, house.talk)
    talked += 2 * some.length
    await look()
  }
  const come = async (some: readonly string[]): Promise<void> => {
    await together(some, house.connect)
    await talk(some)
  }
  /** Some that have series and some that have none are erased, and as many new ones come. */
  const turnOver = async (first: number): Promise<void> => {
    const gone = [...present.slice(0, turnover / 2), ...present.slice(-turnover / 2)]
    await together(gone, async (company) => {
      const { status, text } = await house.call("DELETE", `/api/whatsapp/companies/${company}`)
      if (status >= 300) throw new Error(`${company} is not erased: ${text}`)
    })
    await look()
    const fresh = names(first, turnover)
    present = [...present.filter((company) => !gone.includes(company)), ...fresh]
    await come(fresh)
    await talk(present)
  }

  try {
    await come(present)
    log(`${companies} companies have come and talked`)
    await turnOver(companies)
    const seen = await look()
    const before = talked
    const counted = sumOf(seen, "whatsapp_messages_sent_total") + sumOf(seen, "whatsapp_messages_received_total")
    await house.stop()
    house = await openScrapeHouse(folder.path, env)
    life++
    await look()
    await together(present, house.connect)
    // In another order, so that others come first.
    await talk(present.toReversed())
    await turnOver(companies + turnover)
    log("some have gone and others come, before a restart and after it")

    const held = await measure(house, present, scrapes)
    const text = await scrape(house)
    const bytes = text.length
    const series = text.split("\n").filter((line) => line !== "" && !line.startsWith("#")).length
    return { wentBack: ratchet.wentBack, mostNames, series, bytes, counted, talked: before, ...held }
  } finally {
    await house.stop()
    clearInterval(awake)
    await folder.remove()
  }
}

type Held = Pick<ScrapeFigures, "held" | "scrapeMs">

const PAUSE_MS = 5
/** Companies that talk at once while it is measured under traffic. */
const TALKING = 8

/** For how long the event loop is held up with scrapes and without. */
async function measure(house: ScrapeHouse, present: readonly string[], scrapes: number): Promise<Held> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const times: number[] = []
  const timed = async (): Promise<void> => {
    const begun = performance.now()
    await scrape(house)
    times.push(performance.now() - begun)
  }
  const usual = (): Promise<void> => pause(times[0] ?? PAUSE_MS)
  const longest = async (work: () => Promise<void>): Promise<number> => {
    let worst = 0
    for (let turn = 0; turn < scrapes; turn++) {
      await pause(PAUSE_MS)
      delay.reset()
      await work()
      await pause(PAUSE_MS)
      // The millisecond between two looks is no delay.
      worst = Math.max(worst, delay.max / 1e6 - 1)
    }
    return Math.round(worst * 10) / 10
  }

  const held = { scrape: await longest(timed), rest: await longest(usual), traffic: 0, both: 0 }
  const scrapeMs = median(times)
  let talking = true
  const noise = Array.from({ length: TALKING }, async (_, index) => {
    for (let at = index; talking; at += TALKING) await house.talk(present[at % present.length] as string)
  })
  held.traffic = await longest(usual)
  held.both = await longest(timed)
  talking = false
  await Promise.all(noise)
  delay.disable()
  return { held, scrapeMs }
}

async function scrape(house: ScrapeHouse): Promise<string> {
  const { status, text } = await house.call("GET", "/metrics")
  if (status !== 200) throw new Error(`A scrape is answered ${status}: ${text}`)
  return text
}

/** The most names that the label of companies has in one metric. */
function namesIn(text: string): number {
  const names = new Map<string, Set<string>>()
  for (const [, metric = "", company = ""] of text.matchAll(/^(\w+)\{.*?company="([^"]*)"/gm)) {
    names.set(metric, (names.get(metric) ?? new Set()).add(company))
  }
  return Math.max(0, ...[...names.values()].map(({ size }) => size))
}

const AT_ONCE = 16

async function together(some: readonly string[], act: (company: string) => Promise<void>): Promise<void> {
  const left = some.values()
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const company of left) await act(company)
    }),
  )
}

const names = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, index) => `company-${from + index}`)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

const median = (times: readonly number[]): number =>
  Math.round((times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0) * 10) / 10
