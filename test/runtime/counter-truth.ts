import type { Stage } from "./stage.ts"
import type { Cast, Member } from "./counter-cast.ts"
import type { Book } from "./counter-mix.ts"
import { type CompanyBody, type Look, prometheusLook, readMetrics, sumOf } from "./counter-polls.ts"

/** What the sandbox, the authors of the messages and the server's own lists say, side by side with what is counted. */
export interface Account {
  /** Where two of them do not agree, in sentences. */
  readonly differences: readonly string[]
  /** Of all companies, as counted. */
  readonly sent: number
  readonly received: number
  readonly failed: number
  readonly breakdown: Readonly<Record<string, number>>
  /** Of the messages that failed. */
  readonly codes: Readonly<Record<string, number>>
  /** Connections as counted, and logins that the sandbox has accepted. */
  readonly connections: number
  readonly disconnections: number
  readonly logins: number
}

interface Row {
  readonly messageId: string
  readonly providerMessageId: string
  readonly direction: "inbound" | "outbound"
  readonly origin: "api" | "phone" | "contact"
  readonly status: string
  readonly error: { readonly code: string } | null
}

/** Compares everything once; what is still under way shows as a difference. */
export async function settleAccounts(stage: Stage, cast: Cast, book: Book): Promise<Account> {
  const { platform } = stage
  const metrics = await readMetrics(platform)
  const series = await prometheusLook(platform)
  const differences: string[] = []
  const same = (what: string, counted: number | undefined, is: number): void => {
    if (counted !== is) differences.push(`${what}: ${counted} counted, ${is} in truth`)
  }
  const sum = { sent: 0, received: 0, failed: 0, connections: 0, disconnections: 0, logins: 0 }
  const breakdown: Record<string, number> = {}
  const codes: Record<string, number> = {}

  for (const company of cast.all) {
    const { id } = company
    const counted = metrics.companies[id]
    if (counted === undefined) {
      differences.push(`${id} is not among the companies`)
      continue
    }
    const rows = await list(stage, company)
    const truth = await truthOf(company, rows, book)
    differences.push(...truth.doubts.map((doubt) => `${id}: ${doubt}`))
    for (const { error } of rows) if (error !== null) codes[error.code] = (codes[error.code] ?? 0) + 1
    same(`${id} sent, by the sandbox`, counted.messages.sent, truth.sent)
    same(`${id} received, by those who wrote`, counted.messages.received, truth.received)
    same(`${id} failed, by the sandbox`, counted.messages.failed, truth.failed)
    const listed = (fits: (row: Row) => boolean): number => rows.filter(fits).length
    const went = new Set(["sent", "delivered", "read"])
    same(
      `${id} sent, by its list`,
      counted.messages.sent,
      listed(({ origin, status }) => origin === "api" && went.has(status)),
    )
    same(
      `${id} received, by its list`,
      counted.messages.received,
      listed(({ direction }) => direction === "inbound"),
    )
    same(
      `${id} failed, by its list`,
      counted.messages.failed,
      listed(({ status }) => status === "failed"),
    )
    same(
      `${id} written by its own phone, by its list`,
      listed(({ origin }) => origin === "phone"),
      book.own.get(id)?.size ?? 0,
    )
    differences.push(...inconsistent(counted))
    differences.push(...(await alone(stage, counted)))
    same(`${id} dropped`, countFor(series, "messages_blocked", id), book.dropped.get(id)?.size ?? 0)
    same(`${id} sent, for Prometheus`, countFor(series, "messages_sent", id), counted.messages.sent)
    same(`${id} received, for Prometheus`, countFor(series, "messages_received", id), counted.messages.received)
    same(`${id} failed, for Prometheus`, countFor(series, "messages_failed", id), counted.messages.failed)
    same(`${id} connections, for Prometheus`, countFor(series, "connections", id), counted.sessions.connections)
    same(
      `${id} disconnections, for Prometheus`,
      countFor(series, "disconnections", id),
      counted.sessions.disconnections,
    )
    for (const [name, value] of Object.entries(counted.errors.breakdown)) {
      same(`${id} ${name}, for Prometheus`, countFor(series, "errors", id, `class="${name}"`), value)
    }

    const { loginsAccepted, connected } = await company.line.view()
    same(`${id} connected now`, counted.sessions.active, connected ? 1 : 0)
    if (counted.sessions.connections > loginsAccepted) {
      differences.push(
        `${id} counts ${counted.sessions.connections} connections and has logged in ${loginsAccepted} times`,
      )
    }
    sum.sent += counted.messages.sent
    sum.received += counted.messages.received
    sum.failed += counted.messages.failed
    sum.connections += counted.sessions.connections
    sum.disconnections += counted.sessions.disconnections
    sum.logins += loginsAccepted
    for (const [name, value] of Object.entries(counted.errors.breakdown)) {
      breakdown[name] = (breakdown[name] ?? 0) + value
    }
  }

  const { strange, stopped } = book
  const between = (code: string, least: number, most: number): void => {
    const found = codes[code] ?? 0
    if (found < least || found > most) differences.push(`${code}: ${found} times, and it should be ${least} to ${most}`)
  }
  between("NOT_ON_WHATSAPP", strange.refused, strange.refused + strange.open)
  between("CANCELLED", stopped.told, stopped.told + stopped.unanswered)

  const { global } = metrics
  same("sent by all", global.messagesSent, sum.sent)
  same("received by all", global.messagesReceived, sum.received)
  same("errors of all", global.errors.total, sum.failed)
  same("connections of all", global.sessions.connections, sum.connections)
  same("disconnections of all", global.sessions.disconnections, sum.disconnections)
  for (const [name, value] of Object.entries(global.errors.breakdown))
    same(`${name} of all`, value, breakdown[name] ?? 0)
  const whole = global.messagesSent + global.messagesReceived
  if (global.errors.rate !== share(global.errors.total, whole)) {
    differences.push(`the rate of all is ${global.errors.rate}, and ${share(global.errors.total, whole)} in truth`)
  }
  same("sent by all, for Prometheus", sumOf(series, "whatsapp_messages_sent_total"), sum.sent)
  same("received by all, for Prometheus", sumOf(series, "whatsapp_messages_received_total"), sum.received)
  same("failed of all, for Prometheus", sumOf(series, "whatsapp_messages_failed_total"), sum.failed)
  return { differences, ...sum, breakdown, codes }
}

function countFor(series: Look, name: string, company: string, ...labels: readonly string[]): number {
  return sumOf(series, `whatsapp_${name}_total`, `company="${company}"`, ...labels)
}

interface Truth {
  readonly sent: number
  readonly received: number
  readonly failed: number
  readonly doubts: readonly string[]
}

/** A company's messages by what happened to them outside of the server. */
async function truthOf(company: Member, rows: readonly Row[], book: Book): Promise<Truth> {
  const doubts: string[] = []
  const seen = await company.line.sent()
  const ids = new Set(seen.map(({ id }) => id))
  // A phone that has read it proves it too: its receipt is as good as an acknowledgement that was withheld.
  const sent = seen.filter(({ acked, refused, text }) => acked || (!refused && text !== null))
  const refused = seen.filter(({ acked, refused: no }) => no && !acked)
  if (sent.length + refused.length !== seen.length) doubts.push("a message was neither taken nor refused")
  for (const { status } of rows) if (status === "queued" || status === "unknown") doubts.push("a message still waits")

  // What never came to WhatsApp: it is known beforehand that they are not there, or they were stopped.
  const unseen = rows.filter(({ status, messageId }) => status === "failed" && !ids.has(messageId))
  const strange = unseen.filter(({ error }) => error?.code === "NOT_ON_WHATSAPP")
  const stopped = unseen.filter(({ error }) => error?.code === "CANCELLED")
  for (const { error } of unseen) {
    if (error?.code !== "NOT_ON_WHATSAPP" && error?.code !== "CANCELLED") doubts.push(`failed alone: ${error?.code}`)
  }
  const { queued } = (await company.line.view()).devices[0] ?? { queued: 0 }
  if (queued > 0) doubts.push("something is still to be delivered")

  const written = book.written.get(company.id) ?? new Set()
  const stored = new Map<string, number>()
  for (const { direction, providerMessageId: id } of rows) {
    if (direction === "inbound") stored.set(id, (stored.get(id) ?? 0) + 1)
  }
  for (const one of written) {
    const id = one.slice(one.lastIndexOf(" ") + 1)
    const left = stored.get(id) ?? 0
    if (left === 0) doubts.push(`not stored: ${one}`)
    stored.set(id, left - 1)
  }
  const received = written.size
  return { sent: sent.length, received, failed: refused.length + strange.length + stopped.length, doubts }
}

function inconsistent({ companyId, messages, errors }: CompanyBody): string[] {
  const total = Object.values(errors.breakdown).reduce((all, one) => all + one, 0)
  const rate = share(errors.total, messages.sent)
  return [
    ...(errors.total === messages.failed ? [] : [`${companyId}: ${errors.total} errors, ${messages.failed} failed`]),
    ...(errors.total === total ? [] : [`${companyId}: ${errors.total} errors, ${total} by class`]),
    ...(errors.rate === rate ? [] : [`${companyId}: the rate is ${errors.rate}, and ${rate} in truth`]),
  ]
}

/** At most two decimals, none that is 0. */
function share(part: number, whole: number): string {
  if (whole === 0) return "0%"
  return `${Number(((Math.min(part, whole) / whole) * 100).toFixed(2))}%`
}

/** What the route of one company says must be what that of all says. */
async function alone({ platform }: Stage, counted: CompanyBody): Promise<string[]> {
  const { body } = await platform.call("GET", `/api/whatsapp/metrics/${counted.companyId}`)
  const { messages, errors, sessions } = body.metrics as CompanyBody
  const same =
    JSON.stringify([messages, errors, sessions]) ===
    JSON.stringify([counted.messages, counted.errors, counted.sessions])
  return same ? [] : [`${counted.companyId} is told apart: ${JSON.stringify({ messages, errors, sessions })}`]
}

async function list({ platform }: Stage, { id }: Member): Promise<Row[]> {
  const rows: Row[] = []
  for (let cursor = ""; ; ) {
    const { status, body } = await platform.call("GET", `/api/whatsapp/messages/${id}?limit=200${cursor}`)
    if (status !== 200) throw new Error(`The messages of ${id} are ${status}`)
    rows.push(...(body.data as Row[]))
    if (typeof body.nextCursor !== "string") return rows
    cursor = `&cursor=${encodeURIComponent(body.nextCursor)}`
  }
}
