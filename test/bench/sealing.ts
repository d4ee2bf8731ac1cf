import { type Contestant, measureRound, prepare } from "./contest.ts"
import { figure, type Figure } from "./figures.ts"
import { startOurs } from "./ours.ts"
import type { Run } from "./run.ts"
import type { SubjectOptions } from "./subject.ts"

/** CPU time of a text with everything sealed ÷ without. */
const BAR = 1.1
/** Tells the phones of these companies from those of the other measurements. */
const FIRST_INDEX = 40

const SEALED = { WHATSAPP_ENCRYPTION_KEY: "b7".repeat(32), WHATSAPP_ENCRYPT_MESSAGES: "true" }

/** What it costs to seal credentials and messages: the same load on two servers that differ in their settings alone. */
export async function measureSealing(run: Run): Promise<Figure[]> {
  const { companies, rounds } = run.options
  const pairs: { readonly plain: Contestant; readonly sealed: Contestant }[] = []
  const sealing = (setup: SubjectOptions) => startOurs({ ...setup, env: SEALED })
  try {
    for (const [at, count] of companies.entries()) {
      const plain = await prepare(run, startOurs, FIRST_INDEX + 2 * at, count)
      pairs.push({ plain, sealed: await prepare(run, sealing, FIRST_INDEX + 2 * at + 1, count) })
    }
    for (let round = 1; round <= rounds; round++) {
      for (const pair of pairs) {
        // Whoever comes second finds the machine as the first has left it: they take turns at that.
        const order = round % 2 === 0 ? (["plain", "sealed"] as const) : (["sealed", "plain"] as const)
        for (const which of order) {
          const { rounds: results, companies: count } = pair[which]
          const result = await measureRound(run, pair[which])
          results.push(result)
          run.say(
            `round ${round}, ${count} companies, ${which}: ${((result.cpu * 1000) / result.texts).toFixed(3)} CPU ms per text`,
          )
        }
      }
    }
    return pairs.map(({ plain, sealed }) =>
      figure({
        name: `sealing, ${plain.companies} ${plain.companies === 1 ? "company" : "companies"}`,
        unit: "CPU ms per text",
        against: "Switchboard without encryption",
        ours: cost(sealed),
        reference: cost(plain),
        bar: { kind: "most", value: BAR },
      }),
    )
  } finally {
    for (const { plain, sealed } of pairs) for (const { subject } of [plain, sealed]) await subject.stop()
  }
}

const cost = ({ rounds }: Contestant): number[] => rounds.map(({ texts, cpu }) => (cpu * 1000) / texts)
