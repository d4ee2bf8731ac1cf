import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { availableParallelism, cpus, loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { parseArgs } from "node:util"
import { startSandbox } from "../sandbox/index.ts"
import { cpuSeconds } from "./cpu.ts"
import { memoryAfterCollection } from "./inspector.ts"
import { root } from "./launch.ts"
import { acquaint, link } from "./linking.ts"
import { startLoad } from "./load.ts"
import { startOurs } from "./ours.ts"
import { rounded } from "./report.ts"
import { companiesOf, type Company, type Subject } from "./subject.ts"

/**
 * `npx tsx test/bench/sizing.ts --lines 0,50,200,500,1000` prints how large a server has to be: a process with that many
 * linked lines is started anew, so that nothing of the linking is left in it, rests, and then carries a load.
 */

const HELP = `npx tsx test/bench/sizing.ts

  --lines A,B,…   numbers of linked lines, rising, 1,000 at most (0,50,200,500)
  --settle S      seconds of rest before anything is read (65)
  --seconds S     seconds of counted load, after half as many that are not, in which each line sends three texts (10)
  --compiled      measure dist/ as it is instead of compiling first
`
const MOST_LINES = 1_000
const IN_FLIGHT = 32
const RESTORED_MS = 300_000
const WARM_TEXTS = 3
/** Numbers that no other measurement on the same sandbox has. */
const INDEX = 92

interface Row {
  readonly lines: number
  /** From the spawn of the process until the last line is connected (s). */
  readonly back: number
  /** As the operating system sees it: at rest, at its highest since the start, and after the load (MB). */
  readonly rss: number
  readonly peak: number
  readonly loaded: number
  /** Live heap and external memory after collection (MB). */
  readonly live: number
  /** Share of one core at rest, in percent. */
  readonly idle: number
  /** Texts answered 200 in one second of CPU time; NaN without a line. */
  readonly texts: number
}

const { values } = parseArgs({
  options: {
    lines: { type: "string", default: "0,50,200,500" },
    settle: { type: "string", default: "65" },
    seconds: { type: "string", default: "10" },
    compiled: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
})
if (values.help) process.stdout.write(HELP)
else await main()

async function main(): Promise<void> {
  const steps = values.lines.split(",").map(Number)
  const rising = steps.every(
    (lines, at) => Number.isInteger(lines) && lines <= MOST_LINES && lines >= (steps[at - 1] ?? 0),
  )
  if (!rising) throw new Error(`--lines takes rising whole numbers up to ${MOST_LINES}`)
  if (!values.compiled) spawnSync("npm", ["run", "--silent", "build"], { cwd: root, stdio: "inherit" })
  const folder = mkdtempSync(join(tmpdir(), "switchboard-sizing-"))
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }))
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
  const sandbox = await startSandbox()
  const rows: Row[] = []
  try {
    let linked = 0
    for (const lines of steps) {
      const options = { index: INDEX, companies: MOST_LINES, sandbox, folder, flags: ["--inspect=127.0.0.1:0"] }
      // One contact each: what is weighed is the line, not how many people it knows.
      const companies = companiesOf(options).map((company) => ({ ...company, contacts: company.contacts.slice(0, 1) }))
      if (lines > linked) {
        const linking = await startOurs(options)
        await link(sandbox, linking, companies.slice(linked, lines))
        await acquaint(linking, companies.slice(linked, lines), 1, IN_FLIGHT)
        await linking.stop()
        linked = lines
      }
      rows.push(await weigh(() => startOurs(options), companies.slice(0, lines)))
      process.stderr.write(`${JSON.stringify(rows.at(-1))}\n`)
    }
  } finally {
    await sandbox.stop()
  }
  report(rows)
}

async function weigh(start: () => Promise<Subject>, companies: readonly Company[]): Promise<Row> {
  const begun = performance.now()
  const subject = await start()
  try {
    await connected(subject, companies.length, begun + RESTORED_MS)
    const back = (performance.now() - begun) / 1_000
    await rest(Number(values.settle) / 2)
    const from = { at: performance.now(), cpu: cpuSeconds(subject.pid) }
    await rest(Number(values.settle) / 2)
    const idle = ((cpuSeconds(subject.pid) - from.cpu) / (performance.now() - from.at)) * 100_000
    const { rss, peak } = resident(subject.pid)
    const { heapUsed, external } = await memoryAfterCollection(subject.inspector ?? "")
    const texts = companies.length === 0 ? Number.NaN : await textsPerCpuSecond(subject, companies)
    const loaded = resident(subject.pid).rss
    return { lines: companies.length, back, rss, peak, loaded, live: (heapUsed + external) / 2 ** 20, idle, texts }
  } finally {
    await subject.stop()
  }
}

async function connected(subject: Subject, wanted: number, until: number): Promise<void> {
  for (;;) {
    const answer = await fetch(`${subject.url}/api/whatsapp/sessions?limit=1`)
    const { summary } = (await answer.json()) as { readonly summary: { readonly connected: number } }
    if (summary.connected >= wanted) return
    if (performance.now() > until) throw new Error(`${summary.connected} of ${wanted} lines came back`)
    await rest(0.1)
  }
}

async function textsPerCpuSecond(subject: Subject, companies: readonly Company[]): Promise<number> {
  let sent = 0
  const load = startLoad({
    url: subject.url,
    inFlight: IN_FLIGHT,
    next() {
      const company = companies[sent++ % companies.length]
      return company && subject.text(company, company.contacts[0] ?? "", `text ${sent}`)
    },
  })
  // A line's first text after a start reads its keys and begins a session anew.
  await rest(Number(values.seconds) / 2)
  while (load.answered() < WARM_TEXTS * companies.length) await Promise.race([rest(0.1), load.done()])
  const from = { texts: load.answered(), cpu: cpuSeconds(subject.pid) }
  await rest(Number(values.seconds))
  const texts = (load.answered() - from.texts) / (cpuSeconds(subject.pid) - from.cpu)
  load.stop()
  await load.done()
  return texts
}

function resident(pid: number): { readonly rss: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  const megabytes = (name: string): number => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, "m").exec(status)?.[1]) / 1024
  return { rss: megabytes("VmRSS"), peak: megabytes("VmHWM") }
}

function rest(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
}

function report(rows: readonly Row[]): void {
  const head = [
    "lines",
    "back after s",
    "MB at rest",
    "MB at most",
    "MB after load",
    "MB live",
    "% of a core at rest",
    "texts per CPU s",
  ]
  const cells = rows.map((row) => [row.lines, row.back, row.rss, row.peak, row.loaded, row.live, row.idle, row.texts])
  const table = [
    head,
    head.map(() => "---"),
    ...cells.map((row) => row.map((value) => (Number.isNaN(value) ? "–" : rounded(value)))),
  ]
  process.stdout.write(`${table.map((row) => `| ${row.join(" | ")} |`).join("\n")}\n\n`)
  const processor = `${availableParallelism()} cores of ${cpus()[0]?.model ?? "?"}, load ${loadavg()[0]?.toFixed(1) ?? "?"}`
  const method = `${values.settle} s of rest, ${IN_FLIGHT} texts in flight for ${values.seconds} s`
  process.stdout.write(`Node ${process.version}, ${processor}; ${method}\n`)
}
