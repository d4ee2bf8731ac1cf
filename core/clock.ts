/** Port: time. Nothing in the house reads the clock or arms a timer but through this. */

export interface Timer {
  cancel(): void
}

export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Milliseconds that never go back; only differences mean something. */
  monotonic(): number
  /** Runs `task` once after `ms`. A timer never keeps the process alive by itself. */
  after(ms: number, task: () => void): Timer
  /** Runs `task` every `ms` until cancelled. */
  every(ms: number, task: () => void): Timer
  /** Resolves after `ms`, or rejects with the signal's reason. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}
