import type { HealthItem, PluginContext } from "../../core/plugin.ts"
import { withoutProof } from "./judge.ts"

type Needs = Pick<
  PluginContext<unknown, never>,
  "clock" | "log" | "sessions" | "probeStorage" | "healthChecks" | "background"
>

export interface Checks {
  /** The last results by name; empty before the first round has ended. */
  readonly results: Readonly<Record<string, HealthItem>>
}

/** A line that does not answer in this time has not given proof of life. */
const PROOF_MS = 10_000
const STORAGE_MS = 10_000
/** Lines asked at once. */
const ASKED_TOGETHER = 20

/**
 * Checks that do something, over and over, `intervalMs` from the end of one round to the beginning of the next: storage is
 * written and read, lines that have been silent for that long are asked, and every `health:check` of other plugins is run.
 */
export function startChecks(intervalMs: number, needs: Needs): Checks {
  const { clock, sessions, probeStorage, healthChecks, background, log } = needs
  let results: Readonly<Record<string, HealthItem>> = {}

  const storage = async (): Promise<HealthItem> => {
    try {
      await new Promise<void>((resolve, reject) => {
        const timer = clock.after(STORAGE_MS, () => reject(new Error(`No answer within ${STORAGE_MS} ms`)))
        probeStorage()
          .then(resolve, reject)
          .finally(() => timer.cancel())
      })
      return { ok: true }
    } catch (thrown) {
      log.error({ error: thrown }, "Storage did not take and give back a record")
      return { ok: false, detail: "Storage did not take and give back a record" }
    }
  }

  const proof = async (): Promise<void> => {
    const silent = withoutProof(sessions.list(), clock.now() - intervalMs).values()
    const ask = async (): Promise<void> => {
      for (const { companyId } of silent) {
        // What a line's silence means shows in its own `lastProofAt`, which the answer is made from.
        await sessions.prove(companyId, PROOF_MS).catch(() => undefined)
      }
    }
    await Promise.all(Array.from({ length: ASKED_TOGETHER }, ask))
  }

  const over = (name: string, round: () => Promise<void>): void =>
    background(name, async (signal) => {
      while (!signal.aborted) {
        await round()
        await clock.sleep(intervalMs, signal)
      }
    })
  over("checks", async () => {
    const [stored, others] = await Promise.all([storage(), healthChecks()])
    results = { ...others, storage: stored }
  })
  // Apart, since many lines that do not answer take long, and storage must not wait for them.
  over("proof of life", proof)

  return {
    get results() {
      return results
    },
  }
}
