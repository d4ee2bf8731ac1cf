import { spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, loadavg, tmpdir, totalmem } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { startSandbox } from "../sandbox/index.ts"
import { pin, shareCores } from "./cpu.ts"
import type { Figure } from "./figures.ts"
import { root } from "./launch.ts"
import { measureGuards, measurePipeline } from "./guards.ts"
import { measureInstruments, measureScrape } from "./instruments.ts"
import { measureMemory } from "./memory.ts"
import { HELP, readOptions, type Measurement, type Options } from "./options.ts"
import { render, type Settings } from "./report.ts"
import type { Run } from "./run.ts"
import { measureSealing } from "./sealing.ts"
import { measureSend } from "./send.ts"
import { measureStart } from "./start.ts"
import { measureStores } from "./stores.ts"
import { CONTACTS } from "./subject.ts"

const MEASURE: Readonly<Record<Measurement, (run: Run) => Promise<Figure[]>>> = {
  send: measureSend,
  memory: measureMemory,
  start: measureStart,
  sealing: measureSealing,
  stores: measureStores,
  guards: measureGuards,
  pipeline: measurePipeline,
  instruments: measureInstruments,
  scrape: measureScrape,
}

/** These run before this process is pinned to its cores: whatever it spawns then is pinned as well. */
const UNPINNED: ReadonlySet<Measurement> = new Set(["start", "stores"])

const load = ({ inFlight, heat, rounds, seconds, warmUp }: Options): string =>
  `${inFlight} in flight, ${CONTACTS} contacts a company, ${heat} s to get warm, ${rounds} rounds of ${seconds} s after ${warmUp} s`

const METHOD: Readonly<Record<Measurement, (options: Options) => string>> = {
  send: load,
  sealing: load,
  memory: ({ sessions, settle }) =>
    `${sessions.join(" to ")} sessions in three steps, one text each, ${settle} s of rest`,
  start: ({ startRounds }) => `${startRounds} rounds after one that is not counted`,
  guards: ({ inFlight, guardRounds, seconds, heat }) =>
    `${inFlight} in flight, ${heat} s to get warm, ${guardRounds} rounds of ${seconds} s, no side logs`,
  instruments: ({ guardRounds }) => `in process, HTTP to outbox to acknowledgement, ${guardRounds} rounds in turns`,
  scrape: ({ guardRounds }) => `1,000 companies with traffic, ${guardRounds} scrapes of GET /metrics`,
  pipeline: ({ guardRounds }) => `seven stages with one synchronous handler each, ${guardRounds} rounds`,
  stores: ({ inFlight, rounds, seconds, heat }) =>
    `5 records of 722 bytes a save, 50 companies, ${inFlight} and 1 in flight, ${heat / 2} s to get warm, ${rounds} rounds of ${seconds} s`,
}

if (process.argv.includes("--help")) process.stdout.write(HELP)
else if (process.platform !== "linux")
  throw new Error("The CPU time of a process is read from /proc: this needs Linux.")
else await main(chosen())

function chosen(): Options {
  try {
    return readOptions(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`)
    return process.exit(2)
  }
}

async function main(options: Options): Promise<void> {
  if (!options.compiled) compile()
  const scratch = mkdtempSync(join(tmpdir(), "switchboard-bench-"))
  process.once("exit", () => rmSync(scratch, { recursive: true, force: true }))
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1))
  const cores = shareCores()
  const settings = describe(options, cores)
  const sandbox = await startSandbox()
  try {
    const run: Run = {
      options,
      sandbox,
      cores,
      folder: () => mkdtempSync(join(scratch, "data-")),
      say: (line) => void process.stderr.write(`${line}\n`),
    }
    const figures: Figure[] = []
    const order = [...options.measurements].sort((a, b) => Number(UNPINNED.has(b)) - Number(UNPINNED.has(a)))
    for (const measurement of order) {
      if (!UNPINNED.has(measurement) && cores) for (const pid of [process.pid, sandbox.pid]) pin(pid, cores.others)
      figures.push(...(await MEASURE[measurement](run)))
    }
    process.stdout.write(`\n${render(figures, settings)}`)
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify({ figures, settings }, null, 2)}\n`)
    if (figures.some(({ met }) => met === false)) process.exitCode = 1
  } finally {
    await sandbox.stop()
  }
}

function compile(): void {
  const compiler = join(root, "node_modules", "typescript", "bin", "tsc")
  const { status } = spawnSync(process.execPath, [compiler, "-p", join(root, "config", "tsconfig.build.json")], {
    stdio: "inherit",
  })
  if (status !== 0) throw new Error("The sources do not compile; --compiled measures dist/ as it is.")
}

function describe(options: Options, cores: ReturnType<typeof shareCores>): Settings {
  const baileys = JSON.parse(readFileSync(join(root, "node_modules/@whiskeysockets/baileys/package.json"), "utf8"))
  const commit = spawnSync("git", ["describe", "--always", "--dirty"], { cwd: root, encoding: "utf8" }).stdout.trim()
  return {
    machine: `${availableParallelism()} cores of ${cpus()[0]?.model ?? "?"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    "load before": loadavg()[0]?.toFixed(2) ?? "?",
    cores: cores
      ? `client on ${cores.client}, sandbox and driver on ${cores.others}`
      : "not pinned (no taskset, or one)",
    node: `${process.version} ${options.flags.join(" ")}`.trim(),
    baileys: String(baileys.version),
    commit,
    ...Object.fromEntries(options.measurements.map((measurement) => [measurement, METHOD[measurement](options)])),
    ours: "compiled, settings at their defaults; only the limit on sessions is raised",
  }
}
