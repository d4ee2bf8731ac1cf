import { startBare } from "./bare-subject.ts"
import { figure, slopes, type Figure } from "./figures.ts"
import { liveBytes } from "./inspector.ts"
import { acquaint, link } from "./linking.ts"
import { startOurs } from "./ours.ts"
import type { Run } from "./run.ts"
import type { Subject } from "./subject.ts"

const BAR = 1.3
const STEPS = 3
const INSPECT = "--inspect=127.0.0.1:0"

/**
 * What one more linked and idle line keeps in memory: lines are added in steps, and after each step the live bytes of the
 * process are taken. Each line has sent one text, so that nothing is left out that is only made when it is first needed.
 */
export async function measureMemory(run: Run): Promise<Figure[]> {
  const { sessions, settle, inFlight, flags } = run.options
  const [from, to] = sessions
  const setup = (index: number) => ({
    index,
    companies: to,
    sandbox: run.sandbox,
    folder: run.folder(),
    flags: [...flags, INSPECT],
  })
  // Numbers that no subject of another measurement on the same sandbox has.
  const ours = await startOurs(setup(90))
  const bare = await startBare({ ...setup(91), keys: "files" })
  const points = new Map<Subject, { x: number; y: number }[]>([
    [ours, []],
    [bare, []],
  ])
  try {
    let linked = 0
    for (const wanted of stepsBetween(from, to)) {
      for (const subject of points.keys()) {
        const added = subject.companies.slice(linked, wanted)
        await link(run.sandbox, subject, added)
        await acquaint(subject, added, 1, inFlight)
      }
      linked = wanted
      run.say(`${wanted} lines are linked; nothing is asked of them for ${settle} s`)
      await new Promise((resolve) => setTimeout(resolve, settle * 1000))
      await Promise.all(
        [...points].map(async ([subject, list]) => {
          const bytes = await liveBytes(subject.inspector ?? "")
          list.push({ x: wanted, y: bytes })
          run.say(`${wanted} lines, ${subject.name}: ${(bytes / 1024 / 1024).toFixed(1)} MB live`)
        }),
      )
    }
  } finally {
    await ours.stop()
    await bare.stop()
  }
  const perLine = (subject: Subject): number[] => slopes(points.get(subject) ?? []).map((bytes) => bytes / 1024)
  const overall = (subject: Subject): number[] => {
    const list = points.get(subject) ?? []
    return slopes([list[0], list.at(-1)].filter((point) => point !== undefined)).map((bytes) => bytes / 1024)
  }
  const shared = { unit: "KB of live heap and external memory", against: "bare Baileys, keys in files" }
  return [
    figure({
      name: `memory per session, ${from} to ${to}`,
      ...shared,
      ours: overall(ours),
      reference: overall(bare),
      bar: { kind: "most", value: BAR },
    }),
    figure({ name: "memory per session, step by step", ...shared, ours: perLine(ours), reference: perLine(bare) }),
  ]
}

function stepsBetween(from: number, to: number): number[] {
  return Array.from({ length: STEPS + 1 }, (_, step) => Math.round(from + ((to - from) * step) / STEPS))
}
