import type { HealthItem, PluginContext } from "../../core/plugin.ts"
import { inTime } from "./in-time.ts"
import { judgeDisk, judgeLoop, type Judged } from "./judge.ts"
import type { Machine } from "./machine.ts"

type Needs = Pick<PluginContext<unknown, never>, "clock" | "log" | "probeStorage" | "healthChecks" | "background">

export interface Checks {
  /** The last results by name; empty before the first round has ended. */
  readonly results: Readonly<Record<string, Judged>>
}

const STORAGE_MS = 10_000

/**
 * Checks that do something, over and over, `intervalMs` from the end of one round to the beginning of the next: storage is
 * written and read, the machine is looked at, and every `health:check` of other plugins is run.
 */
export function startChecks(intervalMs: number, machine: Machine, needs: Needs): Checks {
  const { clock, probeStorage, healthChecks, background, log } = needs
  let results: Readonly<Record<string, Judged>> = {}

  const storage = async (): Promise<Judged> => {
    try {
      await inTime(clock, STORAGE_MS, probeStorage())
      return { ok: true }
    } catch (thrown) {
      log.error(
        { error: thrown instanceof Error ? thrown : String(thrown) },
        "Storage did not take and give back a record",
      )
      return { ok: false, grave: true, detail: "Storage did not take and give back a record" }
    }
  }

  background("checks", async (signal) => {
    while (!signal.aborted) {
      const [stored, others] = await Promise.all([storage(), healthChecks(), machine.look()])
      results = {
        ...others,
        storage: stored,
        disk: judgeDisk(machine.usage.disk),
        eventLoop: judgeLoop(machine.usage.eventLoopDelay),
      }
      await clock.sleep(intervalMs, signal)
    }
  })

  return {
    get results() {
      return results
    },
  }
}

/** As routes show them. */
export function shown(results: Readonly<Record<string, Judged>>): Record<string, HealthItem> {
  // A plugin is called as it likes.
  const items: Record<string, HealthItem> = Object.create(null)
  for (const [name, { ok, detail }] of Object.entries(results))
    items[name] = detail === undefined ? { ok } : { ok, detail }
  return items
}
