import type { Latencies } from "../monitor.ts"

/** Where the house notes how long things took. Absent where nothing is measured. */
export interface Meter {
  note(kind: keyof Latencies, ms: number): void
}
