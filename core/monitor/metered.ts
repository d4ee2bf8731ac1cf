import type { Clock } from "../clock.ts"
import type { Ledger } from "../ledger.ts"
import type { OpenStore } from "../store.ts"
import { LEDGER } from "./house-meter.ts"
import type { Meter } from "./meter.ts"

type Ask<A extends unknown[], R> = (...input: A) => Promise<R>

/** Notes what each call took, however it ended; who calls gets the very promise that was made for it. */
const timed =
  <A extends unknown[], R>(ask: Ask<A, R>, clock: Clock, note: (ms: number) => void): Ask<A, R> =>
  (...input) => {
    const begun = clock.monotonic()
    const asked = ask(...input)
    const end = (): void => note(clock.monotonic() - begun)
    asked.then(end, end)
    return asked
  }

export function meterLedger<L extends Ledger>(ledger: L, meter: Meter | undefined, clock: Clock): L {
  if (meter === undefined) return ledger
  const get = meter.stored(LEDGER, "get")
  return {
    ...ledger,
    commit: timed(ledger.commit, clock, meter.stored(LEDGER, "commit")),
    get: timed(ledger.get, clock, get),
    page: timed(ledger.page, clock, get),
    log: timed(ledger.log, clock, get),
  }
}

export function meterStore(store: OpenStore, name: string, meter: Meter | undefined, clock: Clock): OpenStore {
  if (meter === undefined) return store
  const { driver } = store
  const load = timed(driver.load.bind(driver), clock, meter.stored(name, "load"))
  const commit = timed(driver.commit.bind(driver), clock, meter.stored(name, "commit"))
  return { ...store, driver: { ...driver, load, commit } }
}
