import type { PluginContext } from "../../core/plugin.ts"
import { inTime } from "./in-time.ts"

/** What of the machine the process uses. */
export interface Machine {
  /** Looks anew; what cannot be told is null afterwards. Never rejects. */
  look(): Promise<void>
  /** As it was at the last look. */
  readonly usage: Usage
  stop(): void
}

export interface Usage {
  /** Percent of one core, on average since the look before. */
  readonly cpu: number
  /** By how many ms 99 of 100 turns of the event loop were late at most, since the look before. */
  readonly eventLoopDelay: number
  /** Of the data folder, in bytes; null where it cannot be told. */
  readonly disk: { readonly free: number; readonly total: number } | null
}

/** A file system that does not even tell its size by then hangs. */
const DISK_MS = 5_000
/** CPU over a shorter time than this says nothing. */
const SHORTEST_MS = 1_000

type Needs = Pick<PluginContext<unknown, never>, "clock" | "system" | "dataFolder">

export function createMachine({ clock, system, dataFolder }: Needs): Machine {
  const began = { at: clock.monotonic(), cpuMicros: system.resources().cpuMicros }
  let mark = began
  const loop = system.watchEventLoop()
  let cpu = 0
  let eventLoopDelay = 0
  let disk: Usage["disk"] = null
  let measuring = false

  /** Null where a file system or a runtime does not tell. One that hangs is not asked again meanwhile. */
  const measureDisk = async (): Promise<Usage["disk"]> => {
    if (measuring) return null
    measuring = true
    const measured = system.disk(dataFolder).finally(() => {
      measuring = false
    })
    return inTime(clock, DISK_MS, measured).catch(() => null)
  }

  return {
    get usage() {
      return { cpu, eventLoopDelay, disk }
    },
    async look() {
      const now = { at: clock.monotonic(), cpuMicros: system.resources().cpuMicros }
      const elapsed = now.at - mark.at
      if (elapsed >= SHORTEST_MS) {
        cpu = Math.round((now.cpuMicros - mark.cpuMicros) / elapsed) / 10
        mark = now
        eventLoopDelay = Math.round(loop.read().p99 * 10) / 10
      }
      disk = await measureDisk()
    },
    stop: () => loop.stop(),
  }
}
