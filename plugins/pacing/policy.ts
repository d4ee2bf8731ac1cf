import { bool, share, z } from "../../core/plugin.ts"
import { createLocalTime, type LocalTime } from "./local-time.ts"
import { type QuietHours, readQuietHours } from "./quiet-hours.ts"

const QUIET_RULE = "expected two times of the day, such as 22:00-08:00"
const ZONE_RULE = "expected a time zone such as Europe/Berlin or UTC"
const LONGEST_MS = 86_400_000

const asNumber = (value: unknown): unknown =>
  typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value
const wholeUpTo = (most: number) => {
  const error = `expected a whole number from 0 to ${most}`
  return z.preprocess(asNumber, z.int({ error }).min(0, { error }).max(most, { error }))
}

const milliseconds = wholeUpTo(LONGEST_MS)
const cap = wholeUpTo(1_000_000)
const quietHours = z
  .string({ error: QUIET_RULE })
  .refine((text) => text.trim() === "" || readQuietHours(text) !== undefined, { error: QUIET_RULE })
const timeZone = z.string({ error: ZONE_RULE }).refine(isTimeZone, { error: ZONE_RULE })

function isTimeZone(name: string): boolean {
  try {
    createLocalTime(name)
    return true
  } catch {
    // The one fault that it has: there is no such zone.
    return false
  }
}

export const config = z.object({
  enabled: bool.default(false).describe("Pace what companies send: hold messages back rather than refuse them"),
  intervalMs: milliseconds.default(3_000).describe("Shortest time between two messages of a company (ms); 0: none"),
  jitter: share.default(0.5).describe("By which share of it, at most, that time is longer, at random"),
  dailyCap: cap.default(1_000).describe("Messages of a company in a day; 0: as many as there are"),
  firstContacts: cap.default(15).describe("Chats that a company may begin in a day; 0: as many as there are"),
  quietHours: quietHours.optional().describe("Time of the day in which nothing is sent, such as `22:00-08:00`"),
  timeZone: timeZone.default("UTC").describe("Time zone of the day and of quiet hours, such as `Europe/Berlin`"),
  recipientSpacingMs: milliseconds
    .default(6_000)
    .describe("Shortest time between two messages to one chat (ms); 0: none"),
  replyWindowMs: milliseconds
    .default(86_400_000)
    .describe("How long after somebody has written nothing to them is held back (ms); 0: replies are held like others"),
})

/** What a company may have otherwise: all of it by the names of the config, each left out as the server has it. */
export const pacingSetting = z.strictObject(
  {
    enabled: bool.optional(),
    intervalMs: milliseconds.optional(),
    jitter: share.optional(),
    dailyCap: cap.optional(),
    firstContacts: cap.optional(),
    quietHours: quietHours.optional().describe("The empty text for none"),
    timeZone: timeZone.optional(),
    recipientSpacingMs: milliseconds.optional(),
    replyWindowMs: milliseconds.optional(),
  },
  { error: "expected an object with settings of pacing" },
)

type Settings = Readonly<Record<string, unknown>>

export interface Policy extends Omit<z.output<typeof config>, "quietHours" | "timeZone"> {
  readonly quietHours: QuietHours | undefined
  readonly time: LocalTime
}

/** What holds for a company; `settings` are those of `CompaniesView.settings`. */
export function createPolicies(server: z.output<typeof config>): (settings: Settings) => Policy {
  const zones = new Map<string, LocalTime>()
  const known = new WeakMap<Settings, Policy>()

  const timeOf = (zone: string): LocalTime => {
    const time = zones.get(zone) ?? createLocalTime(zone)
    zones.set(zone, time)
    return time
  }
  const policyOf = ({ quietHours: hours, timeZone: zone, ...rest }: z.output<typeof config>): Policy => ({
    ...rest,
    quietHours: hours === undefined ? undefined : readQuietHours(hours),
    time: timeOf(zone),
  })
  const standard = policyOf(server)

  return (settings) => {
    const own = settings.pacing as z.output<typeof pacingSetting> | null | undefined
    if (own === undefined || own === null) return standard
    const found = known.get(settings)
    if (found !== undefined) return found
    const given = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
    const policy = policyOf({ ...server, ...given })
    known.set(settings, policy)
    return policy
  }
}
