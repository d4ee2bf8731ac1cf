import type { Platform } from "../support/platform.ts"
import { wait } from "./stage.ts"

/** One look at everything that is counted, by a name of its own for each number. */
export type Look = ReadonlyMap<string, number>

export interface Polls {
  /** Numbers that were smaller than before, in sentences. */
  readonly wentBack: readonly string[]
  /** How often both were read. */
  readonly count: number
  /** How often nobody was there, or had the figures yet. */
  readonly missed: number
  stop(): Promise<void>
}

const PATHS = { json: "/api/whatsapp/metrics", prometheus: "/metrics" }
const EVERY_MS = 50

/**
 * Reads the JSON figures and the Prometheus series again and again, over every end of the server, and compares each number
 * with what it was before. What a process counts for itself alone begins anew with the next one.
 */
export function startPolls(platform: () => Platform): Polls {
  const ratchet = createRatchet(lasts)
  let running = true
  const figures = { count: 0, missed: 0 }

  const poll = async (): Promise<void> => {
    while (running) {
      const asked = platform()
      try {
        const looks = [jsonLook(await readMetrics(asked)), await prometheusLook(asked)]
        figures.count++
        for (const look of looks) ratchet.turn(look, asked.pid)
      } catch (thrown) {
        if (!isGone(thrown)) throw thrown
        figures.missed++
      }
      await wait(EVERY_MS)
    }
  }
  const done = poll()
  // Whoever stops it hears of it.
  done.catch(() => undefined)

  return {
    wentBack: ratchet.wentBack,
    get count() {
      return figures.count
    },
    get missed() {
      return figures.missed
    },
    async stop() {
      running = false
      await done
    },
  }
}

/** Compares each number with what it was before. */
export interface Ratchet {
  /** Numbers that were smaller than before, in sentences. */
  readonly wentBack: readonly string[]
  /** What begins anew with each process is compared within one alone. */
  turn(look: Look, process: number): void
}

export function createRatchet(lasts: (name: string) => boolean): Ratchet {
  const wentBack: string[] = []
  const highest = new Map<string, { readonly value: number; readonly process: number }>()
  return {
    wentBack,
    turn(look, process) {
      for (const [name, value] of look) {
        const before = highest.get(name)
        const counts = before !== undefined && (before.process === process || lasts(name))
        if (counts && value < before.value) wentBack.push(`${name} was ${before.value} and then ${value}`)
        highest.set(name, { value, process })
      }
    },
  }
}

/** Written with what it counts: the next process goes on from there. */
export const lasts = (name: string): boolean => name.startsWith("json ") || LASTING.test(name)

const LASTING = /^whatsapp_(?:messages_\w+|media_\w+|errors|connections|disconnections)_total\{/

/** The server was killed before or under the request. */
function isGone(thrown: unknown): boolean {
  return thrown instanceof TypeError || (thrown instanceof Error && thrown.name === "NotThere")
}

class NotThere extends Error {
  override readonly name = "NotThere"
}

export interface MetricsBody {
  readonly global: GlobalBody
  readonly companies: Readonly<Record<string, CompanyBody>>
}

export interface GlobalBody {
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly sessions: SessionsBody
  readonly errors: ErrorsBody
}

export interface CompanyBody {
  readonly companyId: string
  readonly messages: { readonly sent: number; readonly received: number; readonly failed: number }
  readonly errors: ErrorsBody
  readonly sessions: SessionsBody
}

interface SessionsBody {
  readonly active: number
  readonly connections: number
  readonly disconnections: number
}

interface ErrorsBody {
  readonly total: number
  readonly rate: string
  readonly breakdown: Readonly<Record<string, number>>
}

export async function readMetrics(platform: Platform): Promise<MetricsBody> {
  const { status, body } = await platform.call("GET", PATHS.json)
  if (status !== 200) throw new NotThere(`${PATHS.json} is ${status}`)
  return body.metrics as MetricsBody
}

/** Every number of the JSON figures that counts something; those that say what is now may fall. */
export function jsonLook({ global, companies }: MetricsBody): Look {
  const look = new Map<string, number>()
  const note = (at: string, counts: object): void => {
    for (const [name, value] of Object.entries(counts)) {
      if (typeof value === "object" && value !== null) note(`${at} ${name}`, value as object)
      else if (typeof value === "number" && !MOMENTARY.has(name)) look.set(`${at} ${name}`, value)
    }
  }
  note("json global", global)
  for (const [company, counts] of Object.entries(companies)) note(`json ${company}`, counts)
  return look
}

const MOMENTARY = new Set(["uptime", "active"])

/** Every series that only counts: counters, and the parts of histograms. */
export async function prometheusLook(platform: Platform): Promise<Look> {
  const { status, body } = await platform.call("GET", PATHS.prometheus)
  if (status !== 200) throw new NotThere(`${PATHS.prometheus} is ${status}`)
  return seriesOf(String(body.text))
}

/** The series of an exposition that never go back, by name and labels. */
export function seriesOf(text: string): Look {
  const kinds = new Map<string, string>()
  const look = new Map<string, number>()
  for (const line of text.split("\n")) {
    const [, typed = "", kind = ""] = /^# TYPE (\S+) (\S+)$/.exec(line) ?? []
    if (typed !== "") kinds.set(typed, kind)
    const [, name = "", labels = "", value = ""] = /^([a-zA-Z_:][\w:]*)(\{.*\})? (\S+)$/.exec(line) ?? []
    if (name === "") continue
    const family = name.replace(/_(?:bucket|sum|count)$/, "")
    if (kinds.get(name) === "counter" || kinds.get(family) === "histogram") look.set(`${name}${labels}`, Number(value))
  }
  return look
}

/** The sum of a counter's series that have these labels. */
export function sumOf(look: Look, name: string, ...labels: readonly string[]): number {
  let sum = 0
  for (const [series, value] of look) {
    const [own = "", rest = ""] = series.split("{", 2)
    if (own === name && labels.every((label) => rest.includes(label))) sum += value
  }
  return sum
}
