import { randomFillSync } from "node:crypto"
import { openCompanyStore } from "../../core/storage.ts"
import type { AuthStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { figure, type Figure } from "./figures.ts"
import type { Run } from "./run.ts"
import { type Batch, type StartedSubject, type StoreSubject, storeSubjects } from "./store-subjects.ts"

const COMPANIES = 50
/** Of a session record, as it is stored. */
const VALUE_BYTES = 722
/** A message writes about as many records. */
const RECORDS = 5
const FOREIGN_KEYS = 100_000
const FOREIGN_BAR = 1.2
const LOADS = 300

interface Stretch {
  readonly perSecond: number
  readonly p99: number
}

type Save = (company: string, batch: Batch) => Promise<void>

/** Durable saves of what one message changes, on each kind of store and by the plain client of what is behind it. */
export async function measureStores(run: Run): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const subject of storeSubjects) {
    const started = await subject.start(run.folder())
    try {
      figures.push(...(await measureSaves(run, subject, started)))
      figures.push(await measureLoads(run, subject, started))
    } finally {
      await started.stop()
    }
  }
  return figures
}

async function measureSaves(
  run: Run,
  { name, against, bar }: StoreSubject,
  started: StartedSubject,
): Promise<Figure[]> {
  const { inFlight, rounds, seconds, warmUp } = run.options
  const companies = new Map<string, AuthStore>()
  const ours: Save = async (company, batch) => {
    const store = companies.get(company) ?? openCompanyStore(started.store, leaseOf(company), tools)
    companies.set(company, store)
    await store.save({ session: batch })
  }
  const figures: Figure[] = []
  for (const [much, width] of [
    [`${inFlight} at a time`, inFlight],
    ["one at a time", 1],
  ] as const) {
    const taken: Record<"ours" | "raw", Stretch[]> = { ours: [], raw: [] }
    for (let round = 1; round <= rounds; round++) {
      for (const [side, save] of [
        ["ours", ours],
        ["raw", started.raw],
      ] as const) {
        await stretch(save, width, warmUp)
        const one = await stretch(save, width, seconds)
        taken[side].push(one)
        run.say(`${name}, ${much}, ${side}: ${one.perSecond.toFixed(0)} saves a second, p99 ${one.p99.toFixed(1)} ms`)
      }
    }
    const compared = (of: (one: Stretch) => number): { ours: number[]; reference: number[]; against: string } => {
      return { ours: taken.ours.map(of), reference: taken.raw.map(of), against }
    }
    const least = bar === undefined || width === 1 ? undefined : ({ kind: "least", value: bar } as const)
    figures.push(
      figure({
        name: `saves on ${name}, ${much}`,
        unit: `saves of ${RECORDS} records a second`,
        ...compared(({ perSecond }) => perSecond),
        bar: least,
      }),
      figure({ name: `p99 of them`, unit: "ms", ...compared(({ p99 }) => p99) }),
    )
  }
  return figures
}

/** Saves for so many seconds, `width` under way at any time, over all companies in turn. */
async function stretch(save: Save, width: number, seconds: number): Promise<Stretch> {
  const times: number[] = []
  const begun = performance.now()
  const end = begun + seconds * 1_000
  let next = 0
  const worker = async (): Promise<void> => {
    while (performance.now() < end) {
      const turn = next++
      const batch = batchOf(turn)
      const asked = performance.now()
      await save(`company-${turn % COMPANIES}`, batch)
      times.push(performance.now() - asked)
    }
  }
  await Promise.all(Array.from({ length: width }, worker))
  const took = (performance.now() - begun) / 1_000
  times.sort((a, b) => a - b)
  return { perSecond: times.length / took, p99: times[Math.floor(times.length * 0.99)] ?? 0 }
}

/** New values each time, of keys that come again: what a store is given twice may cost it nothing. */
function batchOf(turn: number): Batch {
  const batch: Record<string, Uint8Array> = {}
  for (let at = 0; at < RECORDS; at++) {
    batch[`contact-${(turn + at) % 40}.0`] = randomFillSync(Buffer.allocUnsafe(VALUE_BYTES))
  }
  return batch
}

/** What one company's load takes among the keys of others, against the same while it is alone. */
async function measureLoads(run: Run, { name }: StoreSubject, { store }: StartedSubject): Promise<Figure> {
  const ids = Array.from({ length: 20 }, (_, at) => `contact-${at}.0`)
  const acme = openCompanyStore(store, leaseOf("acme"), tools)
  await acme.save({ session: Object.fromEntries(ids.map((id) => [id, new Uint8Array(VALUE_BYTES)])) })
  const time = async (): Promise<number> => {
    const begun = performance.now()
    for (let turn = 0; turn < LOADS; turn++) {
      await store.driver.evict("acme")
      await acme.load("session", ids)
    }
    return (performance.now() - begun) / LOADS
  }
  const rounds = async (): Promise<number[]> => {
    await time()
    const times: number[] = []
    for (let round = 0; round < run.options.rounds; round++) times.push(await time())
    return times
  }
  const alone = await rounds()
  const each = 1_000
  for (let other = 0; other < FOREIGN_KEYS / each; other++) {
    const records = Object.fromEntries(Array.from({ length: each }, (_, at) => [`k${at}`, new Uint8Array(100)]))
    await openCompanyStore(store, leaseOf(`other-${other}`), tools).save({ session: records })
    await store.driver.evict(`other-${other}`)
  }
  const among = await rounds()
  return figure({
    name: `load on ${name} among 100,000 other keys`,
    unit: "ms for 20 records",
    ours: among,
    against: "the same before they were there",
    reference: alone,
    bar: { kind: "most", value: FOREIGN_BAR },
  })
}
