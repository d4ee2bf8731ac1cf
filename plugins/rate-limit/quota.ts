import { ms, type Quota, z } from "../../core/plugin.ts"

/** Stamps of one company in memory stay below 8 MB. */
const MOST = 1_000_000
const LIMIT_RULE = `expected a whole number from 1 to ${MOST}`
const OVERRIDE_RULE = `${LIMIT_RULE}, or { limit, windowMs }`

const asNumber = (value: unknown): unknown =>
  typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value
const whole = z.int({ error: LIMIT_RULE }).min(1, { error: LIMIT_RULE }).max(MOST, { error: LIMIT_RULE })

/** The setting of the server, from the environment or the config file. */
export const limitSetting = z.preprocess(asNumber, whole)

/** The setting of a company: messages in a window of the server's length, or of a length of its own. */
export const rateLimitSetting = z.union([whole, z.strictObject({ limit: whole, windowMs: ms.optional() })], {
  error: OVERRIDE_RULE,
})

export interface RateLimits {
  readonly perCompany: number
  readonly windowMs: number
}

/**
 * What a company may send: its own setting, else the server's. `settings` are those of `CompaniesView.settings`, which
 * stay the same object until one of them changes.
 */
export function createQuotas({ perCompany, windowMs }: RateLimits): (settings: Settings) => Quota {
  const standard: Quota = { limit: perCompany, windowMs, cost: 1 }
  const known = new WeakMap<Settings, Quota>()

  return (settings) => {
    const own = settings.rateLimit as z.output<typeof rateLimitSetting> | null | undefined
    if (own === undefined || own === null) return standard
    const found = known.get(settings)
    if (found !== undefined) return found
    const { limit, windowMs: ownWindow } = typeof own === "number" ? { limit: own } : own
    const quota: Quota = { limit, windowMs: ownWindow ?? windowMs, cost: 1 }
    known.set(settings, quota)
    return quota
  }
}

export type Settings = Readonly<Record<string, unknown>>
