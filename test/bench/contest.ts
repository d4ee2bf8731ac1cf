import { cpuSeconds, pin } from "./cpu.ts"
import { acquaint, link } from "./linking.ts"
import { startLoad, type Call } from "./load.ts"
import type { Run } from "./run.ts"
import { CONTACTS, type Subject, type SubjectOptions } from "./subject.ts"

/** What one subject did in one round, at one number of companies. */
export interface Round {
  readonly texts: number
  readonly cpu: number
  readonly wall: number
}

export interface Contestant {
  readonly subject: Subject
  readonly companies: number
  readonly rounds: Round[]
  readonly next: () => Call
}

/** Starts a subject, links its companies, makes them known to their contacts, and has it carry the load until it is warm. */
export async function prepare(
  run: Run,
  start: (setup: SubjectOptions) => Promise<Subject>,
  index: number,
  count: number,
): Promise<Contestant> {
  const { sandbox, options } = run
  const subject = await start({ index, companies: count, sandbox, folder: run.folder(), flags: options.flags })
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

/** One counted stretch of load. */
export async function measureRound(run: Run, { subject, next }: Contestant): Promise<Round> {
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
