import { appError, isAppError, toError } from "./errors.ts"
import type { Background } from "./background.ts"
import type { Clock } from "./clock.ts"
import type { Homes } from "./homes/homes.ts"
import type { Logger } from "./log.ts"
import type { Purpose, Sealer } from "./records/sealer.ts"
import type { ResealProgress } from "./records/sealing.ts"

/** Seals everything of every company under the newest key: what was plain, and what is under older ones. */
export interface Reseal {
  /** Begins, unless it is under way. */
  start(): ResealProgress
  progress(): ResealProgress
}

/** Seals anew what the ledger holds of a company; `wrote` hears of each portion. */
export type ResealLedger = (company: string, signal: AbortSignal, wrote: (records: number) => void) => Promise<void>

export interface ResealDeps {
  readonly homes: Pick<Homes, "tend">
  readonly ledger: { companies(): Promise<string[]>; readonly reseal: ResealLedger }
  readonly sealing: { readonly sealer: Sealer | undefined; finish(purposes: readonly Purpose[]): Promise<void> }
  readonly background: Pick<Background, "run">
  readonly clock: Clock
  readonly log: Logger
}

type Failure = ResealProgress["failures"][number]

/** Failures that are shown; the log has all. */
const SHOWN = 100
/** A line that is just being opened is open in a moment. */
const TRIES = 5
const AGAIN_MS = 1_000

export function createReseal({ homes, ledger, sealing, background, clock, log }: ResealDeps): Reseal {
  let state: ResealProgress["state"] = "idle"
  let startedAt: number | null = null
  let endedAt: number | null = null
  let companies = { total: 0, done: 0, failed: 0 }
  let records = 0
  let failures: Failure[] = []

  const wrote = (count: number): void => {
    records += count
  }

  const credentials = async (company: string, signal: AbortSignal): Promise<void> => {
    for (let tries = 1; ; tries++) {
      try {
        return await homes.tend(company, (store) => store.reseal(signal, wrote))
      } catch (thrown) {
        const passing = isAppError(thrown) && (thrown.code === "SESSION_OWNED_ELSEWHERE" || thrown.code === "FENCED")
        if (!passing || tries === TRIES) throw thrown
      }
      await clock.sleep(AGAIN_MS, signal)
    }
  }

  const one = async (company: string, signal: AbortSignal): Promise<void> => {
    try {
      await credentials(company, signal)
      await ledger.reseal(company, signal, wrote)
      companies = { ...companies, done: companies.done + 1 }
    } catch (thrown) {
      if (signal.aborted) throw thrown
      log.error({ company, error: toError(thrown) }, "The records of a company could not be sealed anew")
      const { code, message } = isAppError(thrown) ? thrown : appError("INTERNAL_ERROR")
      companies = { ...companies, failed: companies.failed + 1 }
      if (failures.length < SHOWN) failures = [...failures, { companyId: company, code, message }]
    }
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    const all = await ledger.companies()
    companies = { ...companies, total: all.length }
    for (const company of all) {
      if (signal.aborted) throw appError("SHUTTING_DOWN")
      await one(company, signal)
    }
    if (companies.failed > 0) throw appError("STORAGE_UNAVAILABLE", { message: "Some companies are still to be done" })
    const messages = sealing.sealer?.seals("messages") ?? false
    await sealing.finish(messages ? ["credentials", "messages"] : ["credentials"])
  }

  const end = (next: "done" | "failed"): void => {
    state = next
    endedAt = clock.now()
    log.info(
      { companies: companies.done, failed: companies.failed, records },
      next === "done" ? "Everything is sealed anew" : "Sealing anew has not come to its end",
    )
  }

  const progress = (): ResealProgress => ({ state, startedAt, endedAt, companies, records, failures })

  return {
    progress,
    start() {
      if (state === "running") return progress()
      if (sealing.sealer === undefined) throw appError("NOT_SUPPORTED", { message: "Nothing seals records here" })
      state = "running"
      startedAt = clock.now()
      endedAt = null
      companies = { total: 0, done: 0, failed: 0 }
      records = 0
      failures = []
      background.run("core", "reseal", async (signal) => {
        try {
          await run(signal)
          end("done")
        } catch (thrown) {
          end("failed")
          // Told by the log and the progress; a stop of the house leaves the rest for the next time.
          if (!isAppError(thrown)) throw thrown
        }
      })
      return progress()
    },
  }
}
