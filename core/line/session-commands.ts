import type { Clock } from "../clock.ts"
import { appError } from "../errors.ts"
import type { Line, Link } from "./line.ts"
import type { Code } from "./codes.ts"
import type { Op } from "../ledger.ts"
import { parsePhone } from "../message/recipient.ts"
import { refuseFaults } from "../refusal.ts"
import type { Sessions } from "../sessions.ts"
import type { CoreSettings } from "../settings.ts"
import type { Call, SessionStatus } from "../types.ts"

/** What callers can do with a session. */
export interface SessionCommands {
  initialize(call: Call, how: LinkRequest): Promise<Initialized>
  /**
   * As `initialize`, without waiting for a code or a connection. `notes` are durable with what it does; none may be a
   * condition. Throws STORAGE_UNAVAILABLE when that cannot be stored now.
   */
  begin(call: Call, how: LinkRequest, notes: readonly Op[]): Promise<SessionStatus>
  /** The QR code now, or as soon as there is one within `waitMs`. Throws QR_NOT_AVAILABLE or ALREADY_CONNECTED. */
  qr(company: string, waitMs: number): Promise<Code>
  /** A code that WhatsApp has accepted, to be typed on the phone. Throws PAIRING_REFUSED. */
  pairingCode(call: Call, phoneNumber: unknown): Promise<PairingCode>
  disconnect(call: Call): Promise<SessionStatus>
  restart(call: Call): Promise<SessionStatus>
  /** `unlinked`: WhatsApp has been told. */
  logout(call: Call): Promise<{ readonly status: SessionStatus; readonly unlinked: boolean }>
  remove(call: Call): Promise<{ readonly unlinked: boolean }>
  /** Answers now whoever waits for a code or a connection. */
  release(): void
}

export interface PairingCode {
  readonly text: string
  /** Seconds. */
  readonly expiresIn: number
  readonly phone: string
}

export interface LinkRequest {
  readonly usePairingCode?: boolean | null | undefined
  readonly phoneNumber?: unknown
}

export interface Initialized {
  readonly status: SessionStatus
  readonly code: Code | undefined
  /** False when there is nothing to show yet. */
  readonly ready: boolean
}

/** How long an answer waits for a code or a connection. */
const PATIENCE_MS = 30_000
/** How long one waits that only says that the beginning is stored. */
const FLUSH_MS = 10_000
/** What went wrong is told to whoever asked for the session, rather than only shown in its status. */
const TOLD = new Set(["CREDENTIALS_DAMAGED", "RECORD_SEALED", "SESSION_OWNED_ELSEWHERE", "BANNED"] as const)

export function createSessionCommands(
  sessions: Sessions,
  settings: Pick<CoreSettings, "usePairingCode">,
  clock: Clock,
): SessionCommands {
  const linkOf = ({ usePairingCode, phoneNumber }: LinkRequest): Link =>
    (usePairingCode ?? settings.usePairingCode)
      ? { method: "pairing-code", phone: readPhone(phoneNumber) }
      : { method: "qr" }

  let released = false
  /** Waits until `seen` gives something, at most until `until`. */
  const watch = async <T>(line: Line, until: number, seen: () => T | undefined): Promise<T | undefined> => {
    for (;;) {
      const found = seen()
      const left = until - clock.now()
      if (found !== undefined || left <= 0 || released) return found
      await line.changed(left)
    }
  }

  /** The line of a call, which what follows is done for. */
  const lineOf = async ({ company, requestId }: Call, make: boolean): Promise<Line> => {
    const line = await sessions.line(company, make)
    line.actFor(requestId)
    return line
  }

  const begin = (call: Call, link: Link, switches: boolean, notes: readonly Op[] = []): Promise<Line> =>
    sessions.serial(call.company, async () => {
      const line = await lineOf(call, true)
      const other = line.live && !line.record.linked && line.link !== undefined && line.link.method !== link.method
      if (other && switches) {
        if (link.method === "pairing-code" && (await line.askCode(link.phone))) {
          line.note(notes)
          return line
        }
        await sessions.start(line, () => line.restart(link, "another way of linking", notes))
        return line
      }
      await sessions.start(line, () => line.start(link, "initialize", notes))
      return line
    })

  const isExplicit = ({ usePairingCode }: LinkRequest): boolean =>
    usePairingCode !== undefined && usePairingCode !== null

  const outcome = (line: Line, since: number): Initialized | undefined => {
    const status = line.status()
    const code = line.code
    if (status.connected || code !== undefined) return { status, code, ready: true }
    const { lastError } = status
    // The line goes on trying, but nobody should wait for a disk.
    if (lastError?.code === "STORAGE_UNAVAILABLE" && lastError.at >= since) throw appError("STORAGE_UNAVAILABLE")
    if (line.live) return undefined
    const told = [...TOLD].find((known) => known === lastError?.code)
    if (told !== undefined) throw appError(told, { message: lastError?.message ?? told })
    if (lastError?.code === "PAIRING_REFUSED") {
      throw appError("PAIRING_REFUSED", { details: { reason: lastError.message } })
    }
    return { status, code: undefined, ready: true }
  }

  return {
    async initialize(call, how) {
      const link = linkOf(how)
      const asked = clock.now()
      const line = await begin(call, link, isExplicit(how))
      const done = await watch(line, clock.now() + PATIENCE_MS, () => outcome(line, asked))
      return done ?? { status: line.status(), code: undefined, ready: false }
    },

    async begin(call, how, notes) {
      const line = await begin(call, linkOf(how), isExplicit(how), notes)
      if (!(await line.flush(FLUSH_MS))) throw appError("STORAGE_UNAVAILABLE")
      return line.status()
    },

    async qr(company, waitMs) {
      const line = sessions.peek(company)
      if (line === undefined) {
        await sessions.status(company)
        throw appError("QR_NOT_AVAILABLE")
      }
      const code = await watch(line, clock.now() + waitMs, () => {
        if (line.record.state === "connected") throw appError("ALREADY_CONNECTED")
        return line.code?.kind === "qr" ? line.code : undefined
      })
      if (code === undefined) throw appError("QR_NOT_AVAILABLE")
      return code
    },

    async pairingCode(call, phoneNumber) {
      const phone = readPhone(phoneNumber)
      const asked = clock.now()
      const line = await begin(call, { method: "pairing-code", phone }, true)
      const code = await watch(line, clock.now() + PATIENCE_MS, () => {
        if (line.record.linked) throw appError("ALREADY_CONNECTED")
        const seen = outcome(line, asked)
        if (seen?.code?.kind === "pairing-code") return seen.code
        if (seen !== undefined && seen.code === undefined)
          throw appError("PAIRING_REFUSED", { details: { reason: seen.status.status } })
        return undefined
      })
      if (code === undefined) throw appError("PAIRING_REFUSED", { details: { reason: "WhatsApp has not answered" } })
      const expiresIn = Math.max(0, Math.round((code.expiresAt - clock.now()) / 1000))
      return { text: code.text, expiresIn, phone }
    },

    disconnect: (call) =>
      sessions.serial(call.company, async () => {
        const line = await lineOf(call, false)
        await line.stop("disconnected", "disconnect")
        return line.status()
      }),

    restart: (call) =>
      sessions.serial(call.company, async () => {
        const line = await lineOf(call, false)
        const link: Link = line.link ?? { method: "qr" }
        await sessions.start(line, () => line.restart(link, "restart"))
        return line.status()
      }),

    logout: (call) =>
      sessions.serial(call.company, async () => {
        const line = await lineOf(call, false)
        const unlinked = await line.logout("logout")
        return { status: line.status(), unlinked }
      }),

    remove: (call) =>
      sessions.serial(call.company, async () => {
        const line = await lineOf(call, false)
        const unlinked = await line.logout("deleted")
        await line.eraseCredentials()
        await line.remove()
        sessions.drop(call.company)
        sessions.companies.remove(call.company)
        return { unlinked }
      }),

    release() {
      released = true
      sessions.wake()
    },
  }
}

function readPhone(value: unknown): string {
  const phone = parsePhone(value)
  if (phone !== undefined) return phone
  const missing = value === undefined || value === null
  const fault = missing
    ? {
        path: "phoneNumber",
        code: "VALIDATION_ERROR",
        message: "A pairing code needs the phone number that will be linked",
      }
    : { path: "phoneNumber", code: "INVALID_PHONE", message: "Write the phone internationally, such as +79001234567" }
  throw refuseFaults([fault]).error
}
