import process from "node:process"
import { listenNode } from "../../core/serve/listen-node.ts"
import { openQuickHouse, type QuickHouse } from "../support/quick-house.ts"

/**
 * Two whole servers in one process that differ in WHATSAPP_METRICS_ENABLED alone, and how long a scrape holds up the loop.
 *   GET /messages/<rounds>/<messages>  -> CPU µs of a message with and without instruments, round by round
 *   GET /scrape/<rounds>/<own>         -> of 1,000 companies with traffic, `own` with series of their own
 */
export interface InstrumentTimes {
  readonly on: readonly number[]
  readonly off: readonly number[]
}

export interface ScrapeTimes {
  /** The longest time for which nothing else could run, ms. */
  readonly blocked: readonly number[]
  readonly bytes: number
  readonly series: number
}

const LINES = 20
const SCRAPED = 1_000
const AT_ONCE = 32
const WARM = 3
/** A page is served again from memory for a moment: each scrape is one of its own. */
const REST_MS = 50

const names = (count: number): string[] => Array.from({ length: count }, (_, at) => `company-${at}`)

async function each(count: number, perform: (n: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const one = async (): Promise<void> => {
    while (next < count) await perform(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
}

const send = (house: QuickHouse, n: number, companies: number): Promise<unknown> => {
  const phone = `7900${1_000_000 + (Math.floor(n / companies) % 8)}`
  return house.post("/send", { companyId: `company-${n % companies}`, phone, message: `Parcel ${n}` })
}

async function timeMessages(rounds: number, messages: number): Promise<InstrumentTimes> {
  const on = await openQuickHouse()
  const off = await openQuickHouse({ WHATSAPP_METRICS_ENABLED: "false" })
  const micros = async (house: QuickHouse): Promise<number> => {
    const before = process.cpuUsage()
    await each(messages, (n) => send(house, n, LINES))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / messages
  }
  const times = { on: [] as number[], off: [] as number[] }
  try {
    for (const house of [on, off]) await house.connect(names(LINES))
    for (let round = -WARM; round < rounds; round++) {
      // Whoever comes second finds the machine as the first has left it: they take turns at that.
      const order = round % 2 === 0 ? ([on, off] as const) : ([off, on] as const)
      for (const house of order) {
        const taken = await micros(house)
        if (round >= 0) times[house === on ? "on" : "off"].push(taken)
      }
    }
    return times
  } finally {
    await Promise.all([on.stop(), off.stop()])
  }
}

async function timeScrapes(rounds: number, own: number): Promise<ScrapeTimes> {
  const house = await openQuickHouse({ WHATSAPP_METRICS_COMPANIES: String(own) })
  try {
    await house.connect(names(SCRAPED))
    await each(SCRAPED, (n) => send(house, n, SCRAPED))
    const blocked: number[] = []
    let text = ""
    for (let round = -WARM; round < rounds; round++) {
      const longest = watchTurns()
      text = await house.get("/metrics")
      const ms = await longest()
      if (round >= 0) blocked.push(ms)
      await new Promise((resolve) => setTimeout(resolve, REST_MS))
    }
    return { blocked, bytes: text.length, series: text.split("\n").filter((line) => /^[a-z]/.test(line)).length }
  } finally {
    await house.stop()
  }
}

/** The longest time between two turns of the event loop, from now until it is asked for. */
function watchTurns(): () => Promise<number> {
  let last = performance.now()
  let longest = 0
  let over = false
  const turn = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    if (!over) setImmediate(turn)
  }
  setImmediate(turn)
  return async () => {
    await new Promise((resolve) => setImmediate(resolve))
    over = true
    return longest
  }
}

const { url } = await listenNode({
  host: "127.0.0.1",
  port: 0,
  async fetch(request) {
    const [what, rounds, size] = new URL(request.url).pathname.slice(1).split("/")
    const measure = what === "messages" ? timeMessages : timeScrapes
    return Response.json(await measure(Number(rounds), Number(size)))
  },
})

process.stdout.write(`${JSON.stringify({ url })}\n`)
process.on("SIGTERM", () => process.exit(0))
