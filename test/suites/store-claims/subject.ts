import { openCompanyStore } from "../../../core/storage.ts"
import type { Clock } from "../../../core/clock.ts"
import type { AuthStore, OpenStore, StoreClaim } from "../../../core/store.ts"
import { tools } from "../auth-store/subject.ts"

export interface ClaimsOptions {
  readonly leaseMs: number
  /** The machine's own unless given. A process whose clock stands still is one that was stopped: it says nothing more. */
  readonly clock?: Clock
}

/** What a store brings: one server, on which any number of processes open the same store. */
export interface ClaimsFixture {
  /** Opens the store as a process of this instance does. */
  open(instance: string, options: ClaimsOptions): Promise<OpenStore>
  /** The server behind the store cannot be reached any more. */
  away(): Promise<void>
  /** It can be reached again, with what it had. */
  back(): Promise<void>
  cleanup(): Promise<void>
}

/** A store as one process has it open. */
export interface Process {
  readonly store: OpenStore
  claim(company: string): Promise<StoreClaim | undefined>
}

export interface ClaimsSubject {
  readonly fixture: ClaimsFixture
  start(instance: string, options?: Partial<ClaimsOptions>): Promise<Process>
}

/** A lease that no test outlives, however slow the machine. */
export const LONG_MS = 60_000
/** A lease that a test waits to see lapse. */
export const SHORT_MS = 600
/** How long a condition is waited for. */
export const PATIENCE_MS = 20_000

/** The claim, which must have been given. */
export function given(claim: StoreClaim | undefined): StoreClaim {
  if (claim === undefined) throw new Error("The claim was refused")
  return claim
}

/** The company's store under a claim, as a line has it. */
export function under(process: Process, company: string, claim: StoreClaim): AuthStore {
  return openCompanyStore(process.store, { company, ...claim }, tools)
}

/** The same, in a process that has not noticed yet that it lost its claim. */
export function unaware(process: Process, company: string, claim: StoreClaim): AuthStore {
  return under(process, company, { ...claim, lost: new AbortController().signal })
}

/** Asks until there is an answer. */
export async function eventually<T>(ask: () => Promise<T | undefined>, ms = PATIENCE_MS): Promise<T> {
  const end = performance.now() + ms
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`Nothing after ${ms} ms`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

/** Resolves when the signal is aborted, with the ms that took. */
export async function aborted(signal: AbortSignal): Promise<number> {
  const begun = performance.now()
  await eventually(async () => (signal.aborted ? true : undefined))
  return performance.now() - begun
}
