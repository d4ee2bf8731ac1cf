import { pin } from "./cpu.ts"
import { figure, type Figure } from "./figures.ts"
import type { InstrumentTimes, ScrapeTimes } from "./instrumented.ts"
import { launch } from "./launch.ts"
import type { Run } from "./run.ts"

/** µs of CPU that all instruments together may cost a message. */
const INSTRUMENTS_BAR = 20
/** ms for which a scrape of 1,000 companies with traffic may hold up everything else. */
const SCRAPE_BAR = 50
const MESSAGES = 2_000
const OWN = [1_000, 100] as const

/** CPU time of a send through the whole server, with its instruments against without. */
export async function measureInstruments(run: Run): Promise<Figure[]> {
  const { on, off } = await asked<InstrumentTimes>(run, `/messages/${run.options.guardRounds}/${MESSAGES}`)
  return [
    figure({
      name: "a send with all instruments",
      unit: "CPU µs",
      against: "the same server with WHATSAPP_METRICS_ENABLED=false",
      ours: on,
      reference: off,
      bar: { kind: "most", value: INSTRUMENTS_BAR, of: "difference" },
    }),
  ]
}

/** How long a scrape holds up the event loop, with series for every company against those there are by default. */
export async function measureScrape(run: Run): Promise<Figure[]> {
  const times: ScrapeTimes[] = []
  for (const own of OWN) {
    const found = await asked<ScrapeTimes>(run, `/scrape/${run.options.guardRounds}/${own}`)
    run.say(`1,000 companies with traffic, ${own} with series: ${found.series} series, ${found.bytes} bytes`)
    times.push(found)
  }
  const [ours, reference] = times as [ScrapeTimes, ScrapeTimes]
  return [
    figure({
      name: "a scrape of 1,000 companies",
      unit: "ms blocked",
      against: "the same with series for 100 of them, the default",
      ours: ours.blocked,
      reference: reference.blocked,
      bar: { kind: "most", value: SCRAPE_BAR, of: "ours" },
    }),
  ]
}

async function asked<T>({ options, cores }: Run, path: string): Promise<T> {
  const server = await launch({ args: [...options.flags, "dist/test/bench/instrumented.js"] })
  try {
    if (cores !== null) pin(server.pid, cores.client)
    return (await (await fetch(server.url + path)).json()) as T
  } finally {
    await server.stop()
  }
}
