import { randomFillSync } from "node:crypto"
import process from "node:process"
import { openCompanyStore } from "../../core/storage.ts"
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
const FOREIGN_EACH = 1_000
const FOREIGN_BAR = 1.2
const LOADS = 300
const SLICE_MS = 250
/** More than fit into a slice, so that each has companies and records of its own turn. */
const SLICE_SAVES = 1_000_003
const SIDES = ["ours", "raw"] as const

type Side = (typeof SIDES)[number]

interface Stretch {
  readonly perSecond: number
  readonly p99: number
  /** CPU time of this process for a save, µs; that of a server is not in it. */
  readonly cpu: number
}

type Save = (company: string, batch: Batch) => Promise<void>

/** Durable commits of what one message changes, by each adapter and by the plain client of what is behind it. */
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
  const { inFlight, rounds, seconds, heat } = run.options
  const ours: Save = (company, batch) => {
    const writes = Object.entries(batch).map(([key, value]) => ({ key: `session/${key}`, value }))
    return started.store.driver.commit(company, writes, 1)
  }
  const figures: Figure[] = []
  for (const [much, width] of [
    [`${inFlight} at a time`, inFlight],
    ["one at a time", 1],
  ] as const) {
    const taken: Record<Side, Stretch[]> = { ours: [], raw: [] }
    // Until the engine has compiled what it runs, a save costs several times as much.
    await inTurns({ ours, raw: started.raw }, width, heat / 2)
    for (let count = 0; count < rounds; count++) {
      const round = await inTurns({ ours, raw: started.raw }, width, seconds)
      for (const side of SIDES) {
        const { perSecond, p99 } = round[side]
        taken[side].push(round[side])
        run.say(`${name}, ${much}, ${side}: ${perSecond.toFixed(0)} saves a second, p99 ${p99.toFixed(1)} ms`)
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
      figure({ name: "p99 of them", unit: "ms", ...compared(({ p99 }) => p99) }),
      figure({ name: "CPU of one of them, without the server's", unit: "µs", ...compared(({ cpu }) => cpu) }),
    )
  }
  return figures
}

/** So many seconds of saves of each side, in turns so short that what else the machine does hits both alike. */
async function inTurns(
  saves: Readonly<Record<Side, Save>>,
  width: number,
  seconds: number,
): Promise<Record<Side, Stretch>> {
  const times: Record<Side, number[]> = { ours: [], raw: [] }
  const took: Record<Side, number> = { ours: 0, raw: 0 }
  const cpu: Record<Side, number> = { ours: 0, raw: 0 }
  for (let slice = 0; slice < (seconds * 1_000) / SLICE_MS; slice++) {
    for (const side of SIDES) {
      const begun = performance.now()
      const before = process.cpuUsage()
      await stretch(saves[side], width, slice * SLICE_SAVES, begun + SLICE_MS, times[side])
      took[side] += performance.now() - begun
      const { user, system } = process.cpuUsage(before)
      cpu[side] += user + system
    }
  }
  const result = (side: Side): Stretch => {
    const sorted = times[side].sort((a, b) => a - b)
    return {
      perSecond: (sorted.length * 1_000) / took[side],
      p99: sorted[Math.floor(sorted.length * 0.99)] ?? Number.NaN,
      cpu: cpu[side] / sorted.length,
    }
  }
  return { ours: result("ours"), raw: result("raw") }
}

/** Saves until `end`, `width` under way at any time, over all companies in turn; adds the ms that each took. */
async function stretch(save: Save, width: number, first: number, end: number, times: number[]): Promise<void> {
  let next = first
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
}

/** New values each time, of keys that come again: what a store is given twice may cost it nothing. */
function batchOf(turn: number): Batch {
  const batch: Record<string, Uint8Array> = {}
  for (let at = 0; at < RECORDS; at++) {
    batch[`contact-${(turn + at) % 40}.0`] = randomFillSync(Buffer.allocUnsafe(VALUE_BYTES))
  }
  return batch
}

/** What one company's load takes among the keys of others, against the same where it is alone: two stores, in turns. */
async function measureLoads(run: Run, subject: StoreSubject, among: StartedSubject): Promise<Figure> {
  const ids = Array.from({ length: 20 }, (_, at) => `contact-${at}.0`)
  const records = (count: number, bytes: number): Record<string, Uint8Array> =>
    Object.fromEntries(Array.from({ length: count }, (_, at) => [`contact-${at}.0`, new Uint8Array(bytes)]))
  const alone = await subject.start(run.folder())
  try {
    for (let other = 0; other < FOREIGN_KEYS / FOREIGN_EACH; other++) {
      await openCompanyStore(among.store, leaseOf(`other-${other}`), tools).save({
        session: records(FOREIGN_EACH, 100),
      })
      await among.store.driver.evict(`other-${other}`)
    }
    const loads = [among, alone].map(({ store }) => {
      const acme = openCompanyStore(store, leaseOf("acme"), tools)
      return {
        save: () => acme.save({ session: records(ids.length, VALUE_BYTES) }),
        async load() {
          await store.driver.evict("acme")
          await acme.load("session", ids)
        },
      }
    })
    for (const { save } of loads) await save()
    const rounds: number[][] = loads.map(() => [])
    for (let round = 0; round <= run.options.rounds; round++) {
      const times = loads.map(() => 0)
      for (let turn = 0; turn < LOADS; turn++) {
        for (const [side, { load }] of loads.entries()) {
          const begun = performance.now()
          await load()
          times[side] = (times[side] ?? 0) + performance.now() - begun
        }
      }
      // The first is not counted.
      if (round > 0) for (const [side, time] of times.entries()) rounds[side]?.push(time / LOADS)
    }
    return figure({
      name: `load on ${subject.name} among 100,000 other keys`,
      unit: "ms for 20 records",
      ours: rounds[0] ?? [],
      against: "the same in a store of its own",
      reference: rounds[1] ?? [],
      bar: { kind: "most", value: FOREIGN_BAR },
    })
  } finally {
    await alone.stop()
  }
}
