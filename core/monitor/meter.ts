import type { Latencies } from "../monitor.ts"

/** What is asked of a store. */
export type StoreOperation = "get" | "load" | "commit"

/** Where the house notes how long things took. Absent where nothing is measured. */
export interface Meter {
  note(kind: keyof Latencies, ms: number): void
  /** From accepting a message until it is handed to the provider for the first time. */
  waited(ms: number): void
  /** A request, with the status of its answer. */
  answered(status: number, ms: number): void
  /** Where the times of one operation of one store are noted, ms. */
  stored(store: string, operation: StoreOperation): (ms: number) => void
}
