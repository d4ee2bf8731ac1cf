import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { delimiter, join } from "node:path"
import { setTimeout as wait } from "node:timers/promises"
import { temporaryFolder } from "./folder.ts"

/** Debian's Prometheus on loopback, with a folder of its own, that scrapes one server. */
export interface Prometheus {
  readonly url: string
  /** An instant query of its HTTP API: the series of the answer. */
  query(expr: string): Promise<readonly Series[]>
  /** The rules of `ruleFiles`, as its HTTP API tells of them. */
  rules(): Promise<readonly RuleGroup[]>
  /** Resolves when `expr` has given what `wanted` takes; rejects with the last answer after `ms`. */
  until(expr: string, wanted: (series: readonly Series[]) => boolean, ms?: number): Promise<readonly Series[]>
  stop(): Promise<void>
}

export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface RuleGroup {
  readonly name: string
  readonly rules: readonly {
    readonly name: string
    /** `err` for one that cannot be evaluated, with `lastError`. */
    readonly health: string
    readonly lastError?: string
    readonly state?: string
    readonly query: string
  }[]
}

export interface PrometheusOptions {
  /** What is scraped, such as `http://127.0.0.1:3000/metrics`. */
  readonly scrape: string
  /** Sent as `Authorization: Bearer`. */
  readonly key: string
  /** Paths, absolute. */
  readonly ruleFiles?: readonly string[]
  /** From one scrape, and one look at the rules, to the next; default 250. */
  readonly everyMs?: number
}

/** What a test says that cannot run; empty when it can. */
export const prometheusMissing: string =
  find("prometheus") === undefined || find("promtool") === undefined
    ? " (skipped: the Debian package prometheus is not installed)"
    : ""

const PATIENCE_MS = 30_000
const LOOK_MS = 50

function find(program: string): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter)
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path))
}

/** Runs promtool; `input` goes to its standard input. */
export function promtool(
  args: readonly string[],
  input = "",
): { readonly status: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync("promtool", args, { input, encoding: "utf8" })
  return { status, text: `${stdout}${stderr}` }
}

export async function startPrometheus(options: PrometheusOptions): Promise<Prometheus> {
  if (prometheusMissing !== "") throw new Error("Install the Debian package prometheus")
  const folder = await temporaryFolder()
  const file = join(folder.path, "prometheus.yml")
  await writeFile(file, configOf(options), { mode: 0o600 })
  let said = ""

  const spawned = async (): Promise<{ child: ChildProcess; url: string } | undefined> => {
    const url = `http://127.0.0.1:${await freePort()}`
    const address = `--web.listen-address=${new URL(url).host}`
    const data = `--storage.tsdb.path=${join(folder.path, "data")}`
    const child = spawn("prometheus", [`--config.file=${file}`, data, address, "--log.level=warn"], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    // It must not outlive whoever started it.
    const orphan = (): void => void child.kill("SIGKILL")
    process.once("exit", orphan)
    child.once("exit", () => process.removeListener("exit", orphan))
    child.stderr?.setEncoding("utf8").on("data", (text: string) => (said += text))
    const ended = new AbortController()
    child.once("error", () => ended.abort())
    child.once("exit", () => ended.abort())
    const deadline = Date.now() + PATIENCE_MS
    while (!ended.signal.aborted && Date.now() < deadline) {
      const ready = await fetch(`${url}/-/ready`).catch(() => undefined)
      if (ready?.ok === true) return { child, url }
      await wait(LOOK_MS)
    }
    await end(child)
    return undefined
  }

  // Somebody may take the port between the look and the start.
  let running = await spawned()
  for (let tries = 0; running === undefined && tries < 3; tries++) running = await spawned()
  if (running === undefined) {
    await folder.remove()
    throw new Error(`prometheus does not start: ${said}`)
  }
  const { child, url } = running

  const ask = async <T>(path: string): Promise<T> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { signal: AbortSignal.timeout(PATIENCE_MS) })
    const body = (await answer.json()) as { status: string; error?: string; data: T }
    if (body.status !== "success") throw new Error(`prometheus: ${path}: ${body.error}`)
    return body.data
  }
  const query = async (expr: string): Promise<readonly Series[]> => {
    const { resultType, result } = await ask<Result>(`query?query=${encodeURIComponent(expr)}`)
    if (resultType === "scalar") return [{ labels: {}, value: Number(result[1]) }]
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  return {
    url,
    query,
    rules: async () => (await ask<{ groups: readonly RuleGroup[] }>("rules")).groups,
    async until(expr, wanted, ms = PATIENCE_MS) {
      const deadline = Date.now() + ms
      for (;;) {
        const series = await query(expr)
        if (wanted(series)) return series
        if (Date.now() > deadline) throw new Error(`${expr} is still ${JSON.stringify(series)}: ${said}`)
        await wait(LOOK_MS)
      }
    },
    async stop() {
      await end(child)
      await folder.remove()
    },
  }
}

type Result =
  | { readonly resultType: "scalar"; readonly result: readonly [number, string] }
  | {
      readonly resultType: "vector"
      readonly result: readonly {
        readonly metric: Readonly<Record<string, string>>
        readonly value: readonly [number, string]
      }[]
    }

/** JSON is YAML. */
function configOf({ scrape, key, ruleFiles = [], everyMs = 250 }: PrometheusOptions): string {
  const { host, pathname, protocol } = new URL(scrape)
  const every = `${everyMs}ms`
  return JSON.stringify({
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: ruleFiles,
    scrape_configs: [
      {
        job_name: "switchboard",
        scheme: protocol.replace(":", ""),
        metrics_path: pathname,
        authorization: { type: "Bearer", credentials: key },
        static_configs: [{ targets: [host] }],
      },
    ],
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  const late = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS)
  await ended
  clearTimeout(late)
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  server.close()
  await once(server, "close")
  if (address === null || typeof address === "string") throw new Error("No port")
  return address.port
}
