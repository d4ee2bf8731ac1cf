import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"

const CLOCK_TICKS_PER_SECOND = 100

/** User and system time of a whole process, threads included, in seconds. Linux only; the resolution is 10 ms. */
export function cpuSeconds(pid: number): number {
  return cpuSecondsIn(readFileSync(`/proc/${pid}/stat`, "utf8"))
}

/** From the text of `/proc/<pid>/stat`. The name in parentheses may hold spaces and parentheses of its own. */
export function cpuSecondsIn(stat: string): number {
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  const ticks = Number(fields[11]) + Number(fields[12])
  if (!Number.isFinite(ticks)) throw new Error(`Not a process status: ${stat}`)
  return ticks / CLOCK_TICKS_PER_SECOND
}

/** The numbers in a list of the kernel's, such as `0-2,7`. */
export function coresIn(list: string): number[] {
  return list
    .trim()
    .split(",")
    .flatMap((part) => {
      const [first = Number.NaN, last = first] = part.split("-").map(Number)
      return Array.from({ length: last - first + 1 }, (_, index) => first + index)
    })
}

/** Who runs where: the client under test has a core of its own. Null where it cannot be arranged. */
export interface Cores {
  readonly client: string
  readonly others: string
}

/** Decides it once, before anything is pinned: this process' own cores are what there is to share out. */
export function shareCores(): Cores | null {
  const allowed = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? ""
  const [client, ...others] = coresIn(allowed)
  if (client === undefined || others.length === 0) return null
  if (spawnSync("taskset", ["--version"]).status !== 0) return null
  return { client: String(client), others: others.join(",") }
}

/** Keeps a process, with the threads it has and will have, on the given cores. */
export function pin(pid: number, cores: string): void {
  const { status, stderr } = spawnSync("taskset", ["-a", "-c", "-p", cores, String(pid)], { encoding: "utf8" })
  if (status !== 0) throw new Error(`taskset: ${stderr}`)
}
