import type { Clock, Timer } from "../clock.ts"

/** How long the clock on the wall is left unlooked at. */
const LOOK_MS = 60_000

/**
 * Runs `task` once the wall clock shows `at`, or when as much time has gone by as was left: the clock may be set forward or
 * back in between, and whoever is woken early looks again.
 */
export function wakeAt(clock: Clock, at: number, task: () => void): Timer {
  const end = clock.monotonic() + at - clock.now()
  const left = (): number => Math.min(at - clock.now(), end - clock.monotonic())
  const arm = (): Timer =>
    clock.after(Math.max(1, Math.min(left(), LOOK_MS)), () => {
      if (left() <= 0) task()
      else timer = arm()
    })
  let timer = arm()
  return { cancel: () => timer.cancel() }
}
