import type { Clock } from "./clock.ts"

/** Waits for the promise, but no longer than `ms`. True when it was fulfilled in time; its rejection comes through. */
export async function within(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  let late = (): void => undefined
  const deadline = new Promise<boolean>((resolve) => {
    late = () => resolve(false)
  })
  const timer = clock.after(ms, late)
  try {
    return await Promise.race([promise.then(() => true), deadline])
  } finally {
    timer.cancel()
  }
}
