import type { Batches } from "../batches.ts"
import type { Clock } from "../clock.ts"
import type { Erasure } from "../company/erasure.ts"
import type { Deliver } from "../deliver.ts"
import { toError } from "../errors.ts"
import type { Mover } from "../homes/mover.ts"
import { DROPPED_TABLE } from "../inbound.ts"
import type { Ledger } from "../ledger.ts"
import type { Logger } from "../log.ts"
import type { Idempotency } from "../message/idempotency.ts"
import type { Ingress } from "../ingress.ts"
import type { Outbox } from "../message/outbox.ts"
import { RECEIPT_TABLE } from "../message/receipts.ts"
import type { CoreSettings } from "../settings.ts"
import { createRounds } from "../rounds.ts"
import type { SessionUpkeep } from "./session-upkeep.ts"

/** What is done at the start and over and over while the house runs. */
export interface Housekeeping {
  /** Brings the lines back in the background, and keeps house from then on. */
  start(): void
  stop(): void
}

export interface HousekeepingDeps {
  readonly settings: Pick<CoreSettings, "cleanupIntervalMs">
  readonly ledger: Ledger
  readonly outbox: Outbox
  readonly upkeep: SessionUpkeep
  readonly idempotency: Idempotency
  readonly batches: Batches
  readonly ingress: Pick<Ingress, "sweep">
  readonly mover: Mover
  readonly erasure: Erasure
  readonly deliver: Pick<Deliver, "start" | "sweep">
  readonly clock: Clock
  readonly log: Logger
  /** Aborted when the house stops. */
  readonly signal: AbortSignal
}

/** How late a message may be failed after its time to live. */
const EXPIRY_MS = 5_000
const SWEPT_AT_ONCE = 500
const RETRY_MS = 2_000

export function createHousekeeping(deps: HousekeepingDeps): Housekeeping {
  const { settings, ledger, outbox, upkeep, idempotency, batches, ingress, mover, erasure, clock, log, signal } = deps
  const { deliver } = deps
  const rounds = createRounds(clock, log)

  /** What was kept of messages that have never come, and of those that were dropped. */
  const sweepNotes = async (): Promise<void> => {
    for (const table of [RECEIPT_TABLE, DROPPED_TABLE]) {
      for (const { company, key, version } of await ledger.due(table, clock.now(), SWEPT_AT_ONCE)) {
        await ledger.commit(company, [{ op: "delete", table, key, version }])
      }
    }
  }

  /** Before any line comes back: what is to be erased must not be among them. */
  const takeUpErasures = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await erasure.resume()
      } catch (thrown) {
        log.error({ error: toError(thrown).message }, "Interrupted erasures cannot be read; trying again")
        // Ends early only when the house stops, which the loop sees.
        await clock.sleep(RETRY_MS, signal).catch(() => undefined)
      }
    }
  }

  const restore = async (): Promise<void> => {
    await takeUpErasures()
    // A move that was interrupted goes on before its line comes back; one that cannot be read now is found by the rounds.
    await mover.resume().catch((thrown: unknown) => {
      log.warn({ error: toError(thrown).message }, "Interrupted moves could not be read; they are looked for again")
    })
    if (!signal.aborted) deliver.start()
    await upkeep.restore(signal)
  }

  return {
    start() {
      rounds.every("expiry", Math.min(EXPIRY_MS, settings.cleanupIntervalMs), outbox.expire)
      rounds.every("sessions", settings.cleanupIntervalMs, upkeep.sweep)
      rounds.every("idempotency keys", settings.cleanupIntervalMs, idempotency.sweep)
      rounds.every("batches", settings.cleanupIntervalMs, batches.sweep)
      rounds.every("calls", settings.cleanupIntervalMs, ingress.sweep)
      rounds.every("receipts", settings.cleanupIntervalMs, sweepNotes)
      rounds.every("deliveries", settings.cleanupIntervalMs, deliver.sweep)
      rounds.every("moves", settings.cleanupIntervalMs, mover.resume)
      rounds.every("erasures", settings.cleanupIntervalMs, erasure.resume)
      void restore().catch((thrown: unknown) => {
        log.error({ error: toError(thrown).message }, "Sessions could not be restored")
      })
    },
    stop: rounds.stop,
  }
}
