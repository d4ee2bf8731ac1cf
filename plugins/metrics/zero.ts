import type { PluginContext, Totals } from "../../core/plugin.ts"
import { type Counts, countsOf, isLater, since, valueOf } from "./counts.ts"

/** From where the counts of the JSON routes begin: the totals of the house's life, or what they were at the last reset. */
export interface Zero {
  /** What was kept. A record that is damaged is passed over, with a word in the log. */
  load(): Promise<void>
  house(totals: Totals): Counts
  company(company: string, totals: Totals): Counts
  /** Begins anew from now on, for everybody at once. Rejects, with nothing changed, when that cannot be kept. */
  reset(): Promise<Reset>
}

export interface Reset {
  /** Epoch ms. */
  readonly at: number
  /** How many companies begin anew. */
  readonly companies: number
}

interface CompanyZero {
  readonly counts: Counts
  /** Another number than the company's now: it was an earlier company of the same id. */
  readonly generation: number | undefined
}

/** As it is kept: all companies in one record, so that it holds for all of them or for none. */
interface ZeroRecord {
  readonly at: number
  readonly house: Counts
  readonly companies: readonly (readonly [company: string, counts: Counts])[]
}

export type ZeroContext = Pick<
  PluginContext<unknown, never>,
  "monitor" | "storage" | "companies" | "clock" | "log" | "on" | "background"
>

const KEY = "zero"

export function createZero({ monitor, storage, companies, clock, log, on, background }: ZeroContext): Zero {
  const records = storage.of("")
  let at = 0
  let house: Counts | undefined
  let zeros = new Map<string, CompanyZero>()
  let writing: Promise<unknown> = Promise.resolve()

  /** One after the other, so that an earlier state never comes to lie over a later one. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = writing.then(work)
    // Whoever asked hears how it ended.
    writing = done.catch(() => undefined)
    return done
  }

  const keep = (record: ZeroRecord): Promise<void> => records.put(KEY, record)

  /** What was counted for a company before is not part of what it has now. */
  const forget = (company: string, isOld: (zero: CompanyZero) => boolean): void =>
    background("zero", () =>
      inTurn(async () => {
        const zero = zeros.get(company)
        if (zero === undefined || house === undefined || !isOld(zero)) return
        zeros.delete(company)
        try {
          await keep({ at, house, companies: [...zeros].map(([id, { counts }]) => [id, counts]) })
        } catch (error) {
          // Until the next reset; a start passes over what is more than its company has counted.
          log.warn({ error }, "The zero of an erased company's figures could not be removed")
        }
      }),
    )
  on("company:erased", ({ company }) => forget(company, (zero) => zero.generation !== companies.generation(company)))
  on("company:imported", ({ company }) => forget(company, () => true))

  return {
    async load() {
      let stored: unknown
      try {
        stored = await records.get(KEY)
      } catch (error) {
        log.error({ error }, "The zero of the figures cannot be read; they begin with the totals")
        return
      }
      if (stored === undefined) return
      const record = parse(stored)
      if (record === undefined) {
        log.warn({}, "The zero of the figures is damaged; they begin with the totals")
        return
      }
      at = record.at
      house = record.house
      for (const [company, counts] of record.companies) {
        const totals = monitor.of(company)
        // Whoever has counted less since is another company of the same id.
        if (totals === undefined || !isLater(counts, totals)) continue
        zeros.set(company, { counts, generation: companies.generation(company) })
      }
    },

    house: (totals) => since(house, totals),

    company(company, totals) {
      const zero = zeros.get(company)
      const same = zero !== undefined && zero.generation === companies.generation(company)
      return since(same && isLater(zero.counts, totals) ? zero.counts : undefined, totals)
    },

    reset: () =>
      inTurn(async () => {
        const now = clock.now()
        const begin: Counts = monitor.totals()
        const next = new Map<string, CompanyZero>()
        for (const company of monitor.companies()) {
          const totals = monitor.of(company)
          if (totals === undefined) continue
          next.set(company, { counts: totals, generation: companies.generation(company) })
        }
        const all = [...next].map(([company, { counts }]) => [company, counts] as const)
        await keep({ at: now, house: begin, companies: all })
        at = now
        house = begin
        zeros = next
        monitor.clearLatencies()
        return { at: now, companies: next.size }
      }),
  }
}

/** Undefined for anything that is not a record of ours. */
function parse(stored: unknown): ZeroRecord | undefined {
  if (!isObject(stored) || typeof stored.at !== "number" || !Array.isArray(stored.companies)) return undefined
  const house = parseCounts(stored.house)
  if (house === undefined) return undefined
  const companies: (readonly [string, Counts])[] = []
  for (const entry of stored.companies as readonly unknown[]) {
    if (!Array.isArray(entry) || typeof entry[0] !== "string") return undefined
    const counts = parseCounts(entry[1])
    if (counts === undefined) return undefined
    companies.push([entry[0], counts])
  }
  return { at: stored.at, house, companies }
}

function parseCounts(stored: unknown): Counts | undefined {
  if (!isObject(stored) || !isObject(stored.errors)) return undefined
  const counts = countsOf((name) => valueOf(stored as unknown as Counts, name))
  const numbers = [
    ...Object.values(counts).filter((value) => typeof value !== "object"),
    ...Object.values(counts.errors),
  ]
  return numbers.every((value) => Number.isSafeInteger(value) && value >= 0) ? counts : undefined
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null
