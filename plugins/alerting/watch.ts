import type { Changes, PluginContext } from "../../core/plugin.ts"
import { type Alert, alertOf, nextStep, type Raised, type Step } from "./course.ts"
import { type AlertType, type Reading, type Readings, readSession } from "./readings.ts"

/** Looks at everything again and again, and tells of what has changed. */
export interface Watch {
  /** All that last now, with what has just been crossed. */
  current(): readonly Alert[]
  /** One look. Never rejects. */
  look(): Promise<void>
  forget(company: string): void
  /** Another company stands in the place of that one. */
  reload(company: string): Promise<void>
}

export interface WatchDeps
  extends Pick<
    PluginContext<unknown, never>,
    "clock" | "commit" | "deliveries" | "log" | "sessions" | "storage" | "system"
  > {
  readonly readings: Readings
  /** False: nothing is told, and nothing is kept. */
  readonly telling: boolean
  /** False: there is nowhere to send it to. */
  readonly sending: boolean
}

/** Where alerts go: one channel, and one endpoint. */
export const CHANNEL = "operator"
export const ENDPOINT = "webhook"
const ALL = 100_000

interface Held {
  readonly company: string
  readonly raised: Raised
  /** How often in a row it has been under its threshold. */
  calm: number
}

const keyOf = ({ type, company }: Pick<Reading, "type" | "company">): string => `${type} ${company}`

export function createWatch(deps: WatchDeps): Watch {
  const { readings, clock, commit, deliveries, log, sessions, storage, system } = deps
  const held = new Map<string, Held>()
  let loaded = !deps.telling
  /** Sessions at rest have been looked at: one may have failed just before the end of an earlier process. */
  let lookedBack = !deps.telling

  const load = async (): Promise<void> => {
    if (loaded) return
    for (const { company, value } of await storage.due(Number.MAX_SAFE_INTEGER, ALL)) {
      const raised = value as Raised
      held.set(keyOf({ type: raised.type, company }), { company, raised, calm: 0 })
    }
    loaded = true
  }

  const failedEver = async (): Promise<readonly Reading[]> => {
    const all = (await sessions.all()).map((session) => readSession(session))
    return all.filter(({ state }) => state === "over")
  }

  /** Raised ones whose line is not in memory are looked up: it may have been put right, or erased. */
  const read = async (): Promise<readonly Reading[]> => {
    const failed = lookedBack ? readings.failedSessions() : await failedEver()
    lookedBack = true
    const seen = new Set(failed.map(({ company }) => company))
    const others = [...held.values()].filter(({ company }) => company !== "" && !seen.has(company))
    const now = await Promise.all(others.map(async ({ company }) => readSession(await sessions.look(company), company)))
    return [...readings.house(), ...failed, ...now]
  }

  const step = async (reading: Reading): Promise<void> => {
    const key = keyOf(reading)
    const before = held.get(key)
    if (before !== undefined) before.calm = reading.state === "under" ? before.calm + 1 : 0
    const next = nextStep(before?.raised, reading, before?.calm ?? 0, clock.now())
    if (next === undefined) return
    const raised = next === "raise" ? begun(reading) : before && going(before.raised, reading, next)
    if (raised === undefined) return
    const told = await tell(next, reading, raised)
    if (told === undefined) return
    if (next === "resolve") held.delete(key)
    else held.set(key, { company: reading.company, raised: told, calm: 0 })
  }

  const begun = ({ type, value, threshold, message }: Reading): Raised => {
    const now = clock.now()
    const alertId = `alr_${hex(system.randomBytes(12))}`
    return { alertId, type, since: now, toldAt: now, repeats: 0, value, threshold, message, delivery: null }
  }

  const going = (raised: Raised, { value, threshold, message }: Reading, next: Step): Raised => ({
    ...raised,
    value,
    threshold,
    message,
    ...(next === "repeat" && { toldAt: clock.now(), repeats: raised.repeats + 1 }),
  })

  /** In one commit with what is to be sent. What could not be written is found again at the next look. */
  const tell = async (next: Step, { company }: Reading, raised: Raised): Promise<Raised | undefined> => {
    if (!deps.telling) return raised
    const { type, alertId, repeats } = raised
    const id = next === "resolve" ? `${alertId}_resolved` : `${alertId}_${repeats}`
    const sends = deps.sending && !(next === "repeat" && (await isWaiting(company, raised.delivery)))
    const kept: Raised = sends ? { ...raised, delivery: id } : raised
    const event = {
      type: next === "resolve" ? "alert.resolved" : "alert.raised",
      data: { alertId, ...alertOf(company, raised), ...(next === "repeat" && { repeat: repeats }) },
    } as const
    const body = { type: event.type, timestamp: new Date(clock.now()).toISOString(), data: event.data }
    const changes: Changes = {
      changes: [
        next === "resolve"
          ? { op: "delete", key: type }
          : { op: next === "raise" ? "putIfAbsent" : "put", key: type, value: kept, due: kept.since },
      ],
      events: [event],
      ...(sends && { deliveries: [{ id, channel: CHANNEL, endpoint: ENDPOINT, body }] }),
    }
    const about = { company, alertId, type, state: next }
    if (!(await commit(company, changes))) {
      // A commit whose answer was lost has been made all the same.
      await reload(company)
      return undefined
    }
    if (next === "resolve") log.info(about, "An alert has been resolved")
    else log.warn(about, "An alert lasts")
    return kept
  }

  /** What waits to be delivered need not be said twice. */
  const isWaiting = async (company: string, id: string | null): Promise<boolean> => {
    if (id === null) return false
    const last = await deliveries.find(company, { id, channel: CHANNEL, endpoint: ENDPOINT })
    return last?.state === "pending"
  }

  const forget = (company: string): void => {
    for (const [key, one] of held) if (one.company === company) held.delete(key)
  }

  const reload = async (company: string): Promise<void> => {
    if (!deps.telling) return forget(company)
    const { records } = await storage.of(company).list<Raised>()
    forget(company)
    for (const { value: raised } of records) {
      held.set(keyOf({ type: raised.type, company }), { company, raised, calm: 0 })
    }
  }

  return {
    current() {
      const now = clock.now()
      const alerts = new Map<string, Alert>()
      const found = new Map([...readings.house(), ...readings.failedSessions()].map((one) => [keyOf(one), one]))
      for (const [key, { company, raised }] of held) {
        const reading = found.get(key)
        // The figures of now, as long as they are those of the alert.
        const shown = reading?.state === "over" ? { ...raised, ...figuresOf(reading) } : raised
        alerts.set(key, alertOf(company, shown))
      }
      for (const [key, reading] of found) {
        if (reading.state === "over" && !alerts.has(key))
          alerts.set(key, alertOf(reading.company, { ...reading, since: now }))
      }
      return [...alerts.values()]
    },

    async look() {
      readings.sample()
      try {
        await load()
        for (const reading of await read()) {
          await step(reading).catch((thrown: unknown) => {
            const about = { company: reading.company, type: reading.type satisfies AlertType }
            log.warn({ ...about, error: errorOf(thrown) }, "An alert could not be written; it is tried again")
          })
        }
      } catch (thrown) {
        log.warn({ error: errorOf(thrown) }, "What alerts last cannot be read; it is tried again")
      }
    },
    forget,
    reload,
  }
}

function figuresOf({ value, threshold, message }: Reading): Pick<Reading, "value" | "threshold" | "message"> {
  return { value, threshold, message }
}

const errorOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
