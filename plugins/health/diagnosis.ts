import type { Finding, Foresight, SessionStatus } from "../../core/plugin.ts"

/** What the line and WhatsApp have said when they were asked. */
export interface Asked {
  readonly company: boolean
  /** Undefined: the line is not connected. */
  readonly proof: boolean | undefined
  /** Or why it could not be asked. */
  readonly onWhatsApp: boolean | string
}

export interface Diagnosis {
  /** A message sent now would go out at once. */
  readonly wouldSend: boolean
  /** One sentence. */
  readonly summary: string
  readonly findings: readonly Shown[]
}

export interface Shown {
  readonly check: string
  readonly ok: boolean
  readonly detail: string
}

/** What a finding that is not ok means for a message. */
type Effect = "refused" | "untold" | "fails" | "waits"
type Found = Shown & { readonly effect?: Effect }

/** A send waits so long for its acknowledgement: what holds it back for less is not noticed. */
const PATIENCE_MS = 15_000

/** In which findings are shown; those of other plugins come behind them. */
const ORDER = [
  ...["company", "session", "proof", "phone", "whatsapp", "blocked", "rate", "pace", "restriction"],
  ...["queue", "lastError"],
]
/** In which a send meets them. */
const MET = ["phone", "blocked", "company", "session", "restriction", "rate"]

export function diagnose(seen: Foresight, asked: Asked, now: number): Diagnosis {
  const { recipient } = seen
  const own = [
    companyFinding(asked.company),
    sessionFinding(seen),
    proofFinding(asked.proof),
    ...recipient.faults.map(({ message }): Found => bad("phone", "refused", message)),
    ...(recipient.to === null ? [] : [whatsAppFinding(asked.onWhatsApp), restrictionFinding(seen)]),
    queueFinding(seen, now),
    errorFinding(seen.session),
  ]
  const all = [...own, ...pluginFindings(seen, now)].sort(
    (a, b) => rank(ORDER, a.check) - rank(ORDER, b.check) || (a.check < b.check ? -1 : 1),
  )
  return {
    wouldSend: all.every(({ ok }) => ok),
    summary: summaryOf(all),
    findings: all.map(({ check, ok, detail }) => ({ check, ok, detail })),
  }
}

const good = (check: string, detail: string): Found => ({ check, ok: true, detail })
const bad = (check: string, effect: Effect, detail: string): Found => ({ check, ok: false, detail, effect })

function rank(order: readonly string[], check: string): number {
  const at = order.indexOf(check)
  return at === -1 ? order.length : at
}

function summaryOf(all: readonly Found[]): string {
  const first = (effect: Effect): Found | undefined =>
    all.filter((found) => found.effect === effect).sort((a, b) => rank(MET, a.check) - rank(MET, b.check))[0]
  const refused = first("refused")
  if (refused !== undefined) return `A message would be refused: ${refused.detail}`
  const untold = first("untold")
  if (untold !== undefined) return `Whether a message would go out cannot be told: ${untold.detail}`
  const fails = first("fails")
  if (fails !== undefined) return `A message would not arrive: ${fails.detail}`
  const waits = first("waits")
  return waits === undefined
    ? "A message would go out at once"
    : `A message would be accepted and wait: ${waits.detail}`
}

function companyFinding(known: boolean): Found {
  if (known) return good("company", "The company is known")
  return bad("company", "refused", "There is no such company: initialize its session to make it")
}

/** Why a line that is to be brought back by somebody does not send. */
const ENDED: Readonly<Partial<Record<SessionStatus["status"], string>>> = {
  idle: "The line was never linked: initialize the session and scan its code",
  connecting: "The line is not linked yet: initialize the session and scan its code",
  qr: "The line waits to be linked: scan the QR code with the phone",
  "pairing-code": "The line waits to be linked: type the pairing code on the phone",
  "passkey-required": "WhatsApp demands a passkey for linking: confirm it on the phone, then initialize again",
  "qr-expired": "Nobody scanned the codes in time: initialize the session again",
  "logged-out": "The line is logged out: initialize the session and link it again",
  disconnected: "The line was disconnected on request: initialize or restart the session",
  replaced: "Another connection has taken over the line: restart the session to take it back",
  failed: "The line has failed for good: its last error says why",
}

function sessionFinding({ session, line }: Foresight): Found {
  const check = "session"
  if (line.refusal === "SESSION_LIMIT_REACHED")
    return bad(
      check,
      "refused",
      "The server has as many sessions as WHATSAPP_MAX_SESSIONS allows: raise it or end others",
    )
  if (line.refusal === "SESSION_OWNED_ELSEWHERE")
    return bad(check, "refused", "Another process runs this line: send through that one")
  if (line.gate === "connected") return good(check, "The line is connected")
  if (line.gate === "heals") {
    const status = session?.status ?? "idle"
    return bad(check, "waits", `The line is ${status} and comes back by itself`)
  }
  return bad(check, "refused", (session && ENDED[session.status]) ?? "The session was never initialized: initialize it")
}

function proofFinding(proof: boolean | undefined): Found {
  if (proof === true) return good("proof", "WhatsApp has just answered on the line")
  // What an unconnected line means for a message is said of the session.
  if (proof === undefined) return { check: "proof", ok: false, detail: "Not asked: the line is not connected" }
  return bad("proof", "waits", "The line says connected, and WhatsApp does not answer on it; it will be connected anew")
}

function whatsAppFinding(answer: Asked["onWhatsApp"]): Found {
  if (typeof answer === "string") return good("whatsapp", answer)
  if (answer) return good("whatsapp", "The number is on WhatsApp")
  return bad("whatsapp", "fails", "The number is not on WhatsApp: ask for the right one")
}

function restrictionFinding({ recipient, session }: Foresight): Found {
  const { restriction } = recipient
  if (restriction !== null) {
    const end = restriction.until === null ? "for a time it does not tell" : `until ${iso(restriction.until)}`
    return bad(
      "restriction",
      "refused",
      `WhatsApp lets the account begin no new chats ${end}: they have to write first`,
    )
  }
  const other = (session?.restriction ?? null) !== null
  return good(
    "restriction",
    other ? "The restriction of the account is not in the way of this chat" : "The account is not restricted",
  )
}

function queueFinding({ queue, line }: Foresight, now: number): Found {
  const { waiting, most, first, ahead, aheadHeld } = queue
  if (waiting === 0) return good("queue", "No message waits")
  const count =
    waiting >= most ? `${most} messages or more wait` : waiting === 1 ? "1 message waits" : `${waiting} messages wait`
  const held = first && `held back by ${first.reason ?? "a plugin"} until ${iso(first.until)}`
  const why = held ?? (line.gate === "connected" ? "on its way, or waiting for its turn" : "waiting for its line")
  const same = ahead === 0 ? "" : `; ${ahead} of them to this chat, which keeps its order`
  const detail = `${count}, the first ${why}${same}`
  const late = aheadHeld !== null && aheadHeld.until > now + PATIENCE_MS
  return late ? bad("queue", "waits", detail) : good("queue", detail)
}

function errorFinding(session: SessionStatus | undefined): Found {
  const error = session?.lastError ?? null
  if (error === null) return good("lastError", "There is none")
  return { check: "lastError", ok: false, detail: `${error.code} at ${iso(error.at)}: ${error.message}` }
}

function pluginFindings({ recipient }: Foresight, now: number): Found[] {
  return Object.entries(recipient.findings).map(([plugin, item]) => {
    if (!("check" in item)) return bad(plugin, "untold", item.detail)
    const { check, ok, detail, waitsUntil }: Finding = item
    if (ok || (waitsUntil !== undefined && waitsUntil <= now + PATIENCE_MS)) return good(check, detail)
    return bad(check, waitsUntil === undefined ? "refused" : "waits", detail)
  })
}

const iso = (at: number): string => new Date(at).toISOString()
