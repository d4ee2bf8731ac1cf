import type { Received, SandboxPhone } from "../sandbox/index.ts"
import type { Platform } from "../support/platform.ts"
import { type Stage, type StageCompany, wait } from "./stage.ts"
import { promised, type Sent, type Traffic, type Written } from "./traffic.ts"

/** What became of all that was said, both ways. */
export interface Verdict {
  readonly sent: number
  readonly answered200: number
  readonly answered202: number
  readonly refused: number
  /** Taken and cut off without an answer. */
  readonly unanswered: number
  readonly slowestMs: number
  /** Answered with 200 or 202, and never arrived at the phone. */
  readonly lost: readonly string[]
  /** Arrived under another id than the one answered, or under more than one. */
  readonly renamed: readonly string[]
  /** Message stanzas seen on the wire beyond the first of each id. */
  readonly repeats: number
  readonly written: number
  /** Written by a phone, and not in GET /messages. */
  readonly inboundLost: readonly string[]
  readonly inboundDoubled: readonly string[]
  /** Messages that the contacts' phones could not read at once, and that the lines could not. */
  readonly undecryptable: number
  readonly retriesAsked: number
}

const POLL_MS = 250

const LONGEST = 5

/** Waits until everything promised has arrived, or nothing more of it for `ms`, and tells what did not. */
export async function judge(
  stage: Pick<Stage, "platform">,
  traffic: Traffic,
  contacts: readonly SandboxPhone[],
  ms: number,
): Promise<Verdict> {
  const last = performance.now() + LONGEST * ms
  let end = performance.now() + ms
  let missing = Number.POSITIVE_INFINITY
  for (;;) {
    const verdict = await compare(stage, traffic, contacts)
    const now = verdict.lost.length + verdict.inboundLost.length
    if (now === 0 || performance.now() > Math.min(end, last)) return verdict
    // A backlog that is being worked off takes as long as it takes on a slow machine.
    if (now < missing) end = performance.now() + ms
    missing = now
    await wait(POLL_MS)
  }
}

async function compare(
  stage: Pick<Stage, "platform">,
  traffic: Traffic,
  contacts: readonly SandboxPhone[],
): Promise<Verdict> {
  const { sent, written } = traffic
  const arrived = new Map<string, Received[]>()
  let undecryptable = 0
  for (const contact of contacts) {
    for (const message of await contact.messages({ own: false }, 1_000_000)) {
      const key = `${message.from} ${contact.number} ${message.text}`
      arrived.set(key, [...(arrived.get(key) ?? []), message])
    }
    undecryptable += (await contact.view()).counts.undecryptable
  }
  const copies = (one: Sent): readonly Received[] =>
    arrived.get(`${one.company.number} ${one.contact} ${one.text}`) ?? []

  const companies = [...new Set([...sent, ...written].map(({ company }) => company))]
  const views = await Promise.all(companies.map(({ line }) => line.view()))
  const inbox = new Map<string, number>()
  for (const company of companies) {
    for (const { phone, message } of await listInbound(stage.platform, company)) {
      const key = `${company.id} ${phone} ${message}`
      inbox.set(key, (inbox.get(key) ?? 0) + 1)
    }
  }
  const stored = (from: string, company: StageCompany, text: string): number =>
    inbox.get(`${company.id} ${from} ${text}`) ?? 0

  return {
    sent: sent.length,
    answered200: sent.filter(({ status }) => status === 200).length,
    answered202: sent.filter(({ status }) => status === 202).length,
    refused: sent.filter(({ status }) => status >= 300).length,
    unanswered: sent.filter(({ status, reached }) => status === 0 && reached).length,
    slowestMs: Math.round(Math.max(0, ...sent.map(({ ms }) => ms))),
    lost: sent.filter((one) => promised(one) && copies(one).length === 0).map(outward),
    renamed: sent.filter((one) => isRenamed(one, copies(one))).map(outward),
    repeats: views.reduce((sum, { repeats }) => sum + repeats, 0),
    written: written.length,
    inboundLost: written.filter((one) => stored(one.from, one.company, one.text) === 0).map(inward),
    inboundDoubled: written.filter((one) => stored(one.from, one.company, one.text) > 1).map(inward),
    undecryptable,
    retriesAsked: views.reduce((sum, view) => sum + view.retriesAsked, 0),
  }
}

const outward = ({ company, contact, text }: Sent): string => `${company.id} to ${contact}: ${text}`
const inward = ({ company, from, text }: Written): string => `${from} to ${company.id}: ${text}`

function isRenamed(one: Sent, copies: readonly Received[]): boolean {
  if (copies.length > 1) return true
  return one.messageId !== undefined && copies.some(({ id }) => id !== one.messageId)
}

/** Texts that arrived before one of the same chat that had been accepted before they were asked for. */
export async function outOfOrder({ sent }: Traffic, contacts: readonly SandboxPhone[]): Promise<readonly string[]> {
  const wrong: string[] = []
  for (const contact of contacts) {
    const arrived = await contact.messages({ own: false }, 1_000_000)
    const seq = new Map(arrived.map((message) => [`${message.from} ${message.text}`, message.seq]))
    const latest = new Map<string, number>()
    for (const one of sent) {
      const at = seq.get(`${one.company.number} ${one.text}`)
      if (one.contact !== contact.number || at === undefined || !promised(one)) continue
      const before = latest.get(one.company.id) ?? 0
      if (at < before) wrong.push(outward(one))
      latest.set(one.company.id, Math.max(at, before))
    }
  }
  return wrong
}

interface InboundRow {
  readonly phone: string | null
  readonly message: string | null
}

/** Everything a company has received, page by page. */
async function listInbound(platform: Platform, { id }: StageCompany): Promise<InboundRow[]> {
  const rows: InboundRow[] = []
  let cursor = ""
  for (;;) {
    const path = `/api/whatsapp/messages/${id}?direction=inbound&limit=200${cursor}`
    const { status, body } = await platform.call("GET", path)
    if (status !== 200) throw new Error(`${path}: ${status} ${JSON.stringify(body)}`)
    rows.push(...(body.data as InboundRow[]))
    if (body.nextCursor === null) return rows
    cursor = `&cursor=${encodeURIComponent(body.nextCursor as string)}`
  }
}

/** One line of figures. */
export function figures(verdict: object): string {
  return Object.entries(verdict)
    .map(([name, value]) => `${name} ${Array.isArray(value) ? value.length : JSON.stringify(value)}`)
    .join(" · ")
}
