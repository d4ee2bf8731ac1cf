import { startBare } from "./bare-subject.ts"
import { cpuSeconds, pin } from "./cpu.ts"
import { figure, type Figure } from "./figures.ts"
import { acquaint, link } from "./linking.ts"
import { startLoad, type Call } from "./load.ts"
import { startOurs } from "./ours.ts"
import type { Run } from "./run.ts"
import { CONTACTS, type Subject } from "./subject.ts"

/** Texts per CPU second, ours ÷ bare, by the number of companies. */
const RATE_BARS: ReadonlyMap<number, number> = new Map([
  [1, 0.7],
  [50, 1.2],
])
/** CPU time of a text at many companies ÷ at the fewest. */
const GROWTH_BAR = 1.5

/** What one subject did in one round, at one number of companies. */
interface Round {
  readonly texts: number
  readonly cpu: number
  readonly wall: number
}

interface Contestant {
  readonly subject: Subject
  readonly companies: number
  readonly rounds: Round[]
  readonly next: () => Call
}

/**
 * Texts that WhatsApp has acknowledged, through HTTP. All subjects are linked before the first round and take turns; the
 * idle ones cost nothing that the measured one would be charged with.
 */
export async function measureSend(run: Run): Promise<Figure[]> {
  const { companies, growthAt, rounds } = run.options
  const contestants: Contestant[] = []
  try {
    for (const [index, count] of companies.entries()) {
      contestants.push(await prepare(run, "ours", index * 2, count))
      contestants.push(await prepare(run, "bare", index * 2 + 1, count))
    }
    if (growthAt > 0) contestants.push(await prepare(run, "ours", companies.length * 2, growthAt))
    for (let round = 1; round <= rounds; round++) {
      for (const contestant of contestants) {
        const result = await measureRound(run, contestant)
        contestant.rounds.push(result)
        const rate = (result.texts / result.cpu).toFixed(0)
        run.say(
          `round ${round}, ${contestant.companies} companies, ${contestant.subject.name}: ${rate} texts per CPU second, ` +
            `${(result.texts / result.wall).toFixed(0)} per second`,
        )
      }
    }
    return [...rateFigures(contestants), ...growthFigures(contestants)]
  } finally {
    for (const { subject } of contestants) await subject.stop()
  }
}

async function prepare(run: Run, kind: "ours" | "bare", index: number, count: number): Promise<Contestant> {
  const { sandbox, options } = run
  const setup = { index, companies: count, sandbox, folder: run.folder(), flags: options.flags }
  const subject = kind === "ours" ? await startOurs(setup) : await startBare({ ...setup, keys: "memory" })
  run.say(`linking ${count} companies, ${subject.name}`)
  await link(sandbox, subject, subject.companies)
  await acquaint(subject, subject.companies, CONTACTS, options.inFlight)
  let sent = 0
  const next = (): Call => {
    const turn = sent++
    const company = subject.companies[turn % count]
    const contact = company?.contacts[Math.floor(turn / count) % CONTACTS]
    if (!company || contact === undefined) throw new Error("No company to send from.")
    return subject.text(company, contact, `Your order ${turn} has left our house and will be with you tomorrow.`)
  }
  if (run.cores) pin(subject.pid, run.cores.client)
  const heating = startLoad({ url: subject.url, inFlight: options.inFlight, next })
  await Promise.race([pause(options.heat), heating.done()])
  heating.stop()
  await heating.done()
  return { subject, companies: count, rounds: [], next }
}

function pause(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000))
}

async function measureRound(run: Run, { subject, next }: Contestant): Promise<Round> {
  const { warmUp, seconds, inFlight } = run.options
  const before = await run.sandbox.totals()
  const load = startLoad({ url: subject.url, inFlight, next })
  const mark = (): Round => ({ texts: load.answered(), cpu: cpuSeconds(subject.pid), wall: performance.now() / 1000 })
  await Promise.race([pause(warmUp), load.done()])
  const start = mark()
  await Promise.race([pause(seconds), load.done()])
  const end = mark()
  load.stop()
  await load.done()
  const after = await run.sandbox.totals()
  // The simulator's own count: an answer that came before the acknowledgement, or without a text, would show here.
  const acknowledged = after.acks - before.acks
  if (acknowledged < load.answered()) throw new Error(`${load.answered()} answers, ${acknowledged} acknowledgements.`)
  if (after.undecryptable > before.undecryptable) throw new Error(`${subject.name}: texts that no phone can read.`)
  return { texts: end.texts - start.texts, cpu: end.cpu - start.cpu, wall: end.wall - start.wall }
}

function rateFigures(contestants: readonly Contestant[]): Figure[] {
  const perCpu = ({ rounds }: Contestant): number[] => rounds.map(({ texts, cpu }) => texts / cpu)
  const perWall = ({ rounds }: Contestant): number[] => rounds.map(({ texts, wall }) => texts / wall)
  return contestants.flatMap((bare, index) => {
    const ours = contestants[index - 1]
    if (bare.subject.name !== "bare Baileys" || !ours) return []
    const count = `${bare.companies} ${bare.companies === 1 ? "company" : "companies"}`
    const bar = RATE_BARS.get(bare.companies)
    return [
      figure({
        name: `send, ${count}`,
        unit: "texts per CPU second",
        against: "bare Baileys, keys in memory",
        ours: perCpu(ours),
        reference: perCpu(bare),
        bar: bar === undefined ? undefined : { kind: "least", value: bar },
      }),
      figure({
        name: `send, ${count}, by the clock`,
        unit: "texts per second",
        against: "bare Baileys, keys in memory",
        ours: perWall(ours),
        reference: perWall(bare),
      }),
    ]
  })
}

function growthFigures(contestants: readonly Contestant[]): Figure[] {
  const ours = contestants.filter(({ subject }) => subject.name === "Switchboard")
  const few = ours[0]
  const many = ours.at(-1)
  if (!few || !many || few === many) return []
  const cost = ({ rounds }: Contestant): number[] => rounds.map(({ texts, cpu }) => (cpu * 1000) / texts)
  return [
    figure({
      name: `a text at ${many.companies} companies`,
      unit: "CPU ms per text",
      against: `Switchboard with ${few.companies}`,
      ours: cost(many),
      reference: cost(few),
      bar: few.companies === 1 && many.companies === 150 ? { kind: "most", value: GROWTH_BAR } : undefined,
    }),
  ]
}
