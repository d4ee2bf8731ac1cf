import { startBare } from "./bare-subject.ts"
import { type Contestant, measureRound, prepare } from "./contest.ts"
import { figure, type Figure } from "./figures.ts"
import { startOurs } from "./ours.ts"
import type { Run } from "./run.ts"
import type { Subject, SubjectOptions } from "./subject.ts"

/** Texts per CPU second, ours ÷ bare, by the number of companies. */
const RATE_BARS: ReadonlyMap<number, number> = new Map([
  [1, 0.7],
  [50, 1.2],
])
/** CPU time of a text at many companies ÷ at the fewest. */
const GROWTH_BAR = 1.5

const bare = (setup: SubjectOptions): Promise<Subject> => startBare({ ...setup, keys: "memory" })

/**
 * Texts that WhatsApp has acknowledged, through HTTP. All subjects are linked before the first round and take turns; the
 * idle ones cost nothing that the measured one would be charged with.
 */
export async function measureSend(run: Run): Promise<Figure[]> {
  const { companies, growthAt, rounds } = run.options
  const contestants: Contestant[] = []
  try {
    for (const [index, count] of companies.entries()) {
      contestants.push(await prepare(run, startOurs, index * 2, count))
      contestants.push(await prepare(run, bare, index * 2 + 1, count))
    }
    if (growthAt > 0) contestants.push(await prepare(run, startOurs, companies.length * 2, growthAt))
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
