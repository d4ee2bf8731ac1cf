import { createClock } from "../../adapters/system/clock.ts"
import type { StoreOptions } from "../../core/store.ts"
import { createTestLog } from "./log.ts"

/** What the house gives every adapter, and `more` of its own options. */
export function storeOptions(more: Readonly<Record<string, unknown>> = {}): StoreOptions {
  return { folder: "", store: "test", instance: "test", clock: createClock(), log: createTestLog(), ...more }
}
