import type { MessageKind } from "./content.ts"
import type { Fault, FaultSpec } from "./faults.ts"
import { unmet } from "./figures.ts"
import type { Received } from "./inbox.ts"
import type { JournalEntry } from "./journal.ts"
import type { PhoneSpec } from "./phones.ts"
import type { SentRecord } from "./stats.ts"
import type { LineView, PhoneView, Totals } from "./views.ts"

/** The control surface said no; `code` is there when linking failed. */
export class SandboxError extends Error {
  readonly status: number
  readonly code: string | undefined
  constructor(status: number, message: string, code: string | undefined) {
    super(message)
    this.name = "SandboxError"
    this.status = status
    this.code = code
  }
}

export interface MessageFilter {
  readonly id?: string
  readonly from?: string
  readonly chat?: string
  readonly text?: string
  readonly contains?: string
  readonly own?: boolean
  readonly after?: number
  readonly times?: number
}

export interface SentMessage {
  readonly id: string
  readonly to: string
  readonly text: string
  readonly at: number
  readonly delivered: string[]
  readonly read: string[]
  readonly retries: number
}

export interface LinkedDevice {
  readonly device: number
  readonly jid: string
  readonly lid: string
}

export interface SandboxPhone {
  readonly number: string
  view(): Promise<PhoneView>
  configure(spec: PhoneSpec): Promise<PhoneView>
  /** Scans a QR code. Rejects with a SandboxError whose `code` says what a real phone would have shown. */
  link(qr: string): Promise<LinkedDevice>
  /** Types a pairing code; waits for the device to ask for one. */
  enterCode(code: string, waitMs?: number): Promise<LinkedDevice>
  unlink(device?: number): Promise<number>
  send(to: string, text: string, id?: string, kind?: MessageKind): Promise<SentMessage>
  /** A message it sent; with `wait` as soon as anybody, or the device `by`, has confirmed it, or after `ms`. */
  sent(id: string, wait?: { status: "delivered" | "read"; ms: number; by?: string }): Promise<SentMessage>
  messages(filter?: MessageFilter, limit?: number): Promise<Received[]>
  /** The first message that fits. Rejects after `ms`. */
  waitFor(filter: MessageFilter, ms?: number): Promise<Received>
  /** At least `count` messages that fit. Rejects after `ms`. */
  waitForCount(count: number, filter?: MessageFilter, ms?: number): Promise<Received[]>
  clearMessages(): Promise<void>
  /** Loses all sessions, as a phone set up anew. */
  forgetSessions(): Promise<void>
}

export interface SandboxLine {
  readonly number: string
  view(): Promise<LineView>
  /** Waits until each figure is at least, and each flag is, what is asked for. Rejects after `ms`. */
  waitFor(wanted: Partial<Record<keyof LineView, number | boolean | string>>, ms?: number): Promise<LineView>
  /** What it sent, by message id, as often as it came. */
  sent(id?: string): Promise<SentRecord[]>
  cut(): Promise<void>
  swallow(ms: number): Promise<void>
  mute(ms?: number): Promise<void>
  streamError(error: { code?: number; conflict?: string }): Promise<void>
}

export interface SandboxClient {
  readonly url: string
  readonly rootKey: string
  readonly control: string
  phone(number: string, spec?: PhoneSpec): Promise<SandboxPhone>
  /** `all` stands for every line, for the faults. */
  line(number: string): SandboxLine
  group(spec: GroupSpec): Promise<{ readonly jid: string; readonly subject: string; readonly members: string[] }>
  fault(spec: FaultSpec): Promise<ArmedFault>
  faults(): Promise<Fault[]>
  clearFaults(): Promise<void>
  totals(): Promise<Totals>
  /** Waits until each of the totals is exactly what is asked for. Rejects after `ms`. */
  waitForTotals(wanted: Partial<Totals>, ms?: number): Promise<Totals>
  log(): Promise<JournalEntry[]>
}

export interface GroupSpec {
  readonly subject: string
  readonly creator: string
  readonly members: readonly string[]
  readonly addressing?: "pn" | "lid"
}

export interface ArmedFault extends Fault {
  clear(): Promise<void>
  now(): Promise<Fault>
}

const DEFAULT_WAIT_MS = 10_000

/** A client for a sandbox that is running already. */
export async function connectSandbox(control: string): Promise<SandboxClient> {
  const base = control.replace(/\/$/, "")
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${base}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { "content-type": "application/json" } }),
    })
    const value = (await response.json()) as T & { error?: string; code?: string }
    if (!response.ok) throw new SandboxError(response.status, value.error ?? response.statusText, value.code)
    return value
  }
  const about = await call<{ url: string; rootKey: string }>("GET", "/")

  const phone = (number: string): SandboxPhone => {
    const path = `/phones/${number}`
    const find = (filter: MessageFilter, extra: Record<string, number>): Promise<Received[]> =>
      call("GET", `${path}/messages?${queryOf({ ...filter, ...extra })}`)
    const wait = async (count: number, filter: MessageFilter, ms: number): Promise<Received[]> => {
      const found = await find(filter, { count, waitMs: ms })
      if (found.length >= count) return found
      throw new Error(`phone ${number}: ${found.length} of ${count} messages ${JSON.stringify(filter)} within ${ms} ms`)
    }
    return {
      number,
      view: () => call("GET", path),
      configure: (spec) => call("PUT", path, spec),
      link: (qr) => call("POST", `${path}/link`, { qr }),
      async enterCode(code, waitMs = DEFAULT_WAIT_MS) {
        await call("POST", `${path}/code/wait`, { waitMs })
        return call("POST", `${path}/code`, { code })
      },
      unlink: async (device) => (await call<{ unlinked: number }>("POST", `${path}/unlink`, { device })).unlinked,
      send: (to, text, id, kind) => call("POST", `${path}/send`, { to, text, id, kind }),
      sent: (id, wait) =>
        call("GET", `${path}/sent/${id}?${queryOf({ status: wait?.status, by: wait?.by, waitMs: wait?.ms })}`),
      messages: (filter = {}, limit = 1000) => find(filter, { limit }),
      async waitFor(filter, ms = DEFAULT_WAIT_MS) {
        const [first] = await wait(1, filter, ms)
        if (!first) throw new Error("no message")
        return first
      },
      waitForCount: (count, filter = {}, ms = DEFAULT_WAIT_MS) => wait(count, filter, ms),
      clearMessages: async () => void (await call("DELETE", `${path}/messages`)),
      forgetSessions: async () => void (await call("POST", `${path}/forget`)),
    }
  }

  const line = (number: string): SandboxLine => {
    const path = `/lines/${number}`
    const act = async (what: string, body: unknown): Promise<void> => void (await call("POST", `${path}/${what}`, body))
    return {
      number,
      view: () => call("GET", path),
      async waitFor(wanted, ms = DEFAULT_WAIT_MS) {
        const view = await call<LineView>("GET", `${path}?${queryOf({ ...wanted, waitMs: ms })}`)
        const missing = unmet(view, Object.entries(wanted), false)
        if (missing.length === 0) return view
        const seen = missing.map((name) => `${name} is ${JSON.stringify(view[name as keyof LineView])}`)
        throw new Error(`line ${number} after ${ms} ms: ${seen.join(", ")}; wanted ${JSON.stringify(wanted)}`)
      },
      sent: (id) => call("GET", `${path}/sent?${queryOf(id === undefined ? {} : { id })}`),
      cut: () => act("cut", {}),
      swallow: (ms) => act("swallow", { ms }),
      mute: (ms) => act("mute", { ms }),
      streamError: (error) => act("stream-error", error),
    }
  }

  return {
    ...about,
    control: base,
    async phone(number, spec = {}) {
      const { phone: digits } = await call<PhoneView>("PUT", `/phones/${encodeURIComponent(number)}`, spec)
      return phone(digits)
    },
    line,
    group: (spec) => call("POST", "/groups", spec),
    async fault(spec) {
      const armed = await call<Fault>("POST", "/faults", spec)
      const path = `/faults/${armed.id}`
      return {
        ...armed,
        clear: async () => void (await call("DELETE", path)),
        now: () => call<Fault>("GET", path),
      }
    },
    faults: () => call("GET", "/faults"),
    clearFaults: async () => void (await call("DELETE", "/faults")),
    totals: () => call("GET", "/totals"),
    async waitForTotals(wanted, ms = DEFAULT_WAIT_MS) {
      const seen = await call<Totals>("GET", `/totals?${queryOf({ ...wanted, waitMs: ms })}`)
      const missing = unmet(seen, Object.entries(wanted), true)
      if (missing.length > 0) {
        throw new Error(
          `after ${ms} ms ${missing.join(", ")} not as in ${JSON.stringify(wanted)}: ${JSON.stringify(seen)}`,
        )
      }
      return seen
    },
    log: () => call("GET", "/log"),
  }
}

function queryOf(values: Record<string, string | number | boolean | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(values)) if (value !== undefined) query.set(name, String(value))
  return query.toString()
}
