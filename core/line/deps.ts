import type { Clock } from "../clock.ts"
import type { Egress } from "../egress.ts"
import type { Homes } from "../homes/homes.ts"
import type { Hooks } from "../hooks.ts"
import type { Ledger } from "../ledger.ts"
import type { Instruments } from "../loading/instruments.ts"
import type { Logger } from "../log.ts"
import type { Meter } from "../monitor/meter.ts"
import type { TotalsBook } from "../monitor/totals-book.ts"
import type { Provider } from "../provider.ts"
import type { CoreSettings } from "../settings.ts"
import type { Digest } from "../system.ts"
import type { CompanyFields } from "../views.ts"

/** What the lines of a process are made from. */
export interface LinesDeps {
  readonly settings: CoreSettings
  readonly provider: Provider
  readonly ledger: Ledger
  readonly homes: Homes
  /** Stores that a company can be put into. */
  readonly storeNames: readonly string[]
  /** Settings of companies that plugins declare. */
  readonly companyFields?: CompanyFields
  readonly hooks: Hooks
  readonly clock: Clock
  readonly log: Logger
  readonly meter?: Meter | undefined
  readonly totals?: TotalsBook["ends"]
  readonly sha256: (data: Uint8Array) => Uint8Array
  readonly openSha256: () => Digest
  /** The way out to the proxies and endpoints that companies set. */
  readonly egress: Egress
  readonly instruments?: Instruments
  /** Only tests let writes in that come too late for an erased company, to see what keeps them out. */
  readonly lateWritesIn?: boolean
  /** Likewise, calls from other systems that come again. */
  readonly repeatsIn?: boolean
  /** 0–1, for jitter. */
  readonly random?: () => number
}
