import type { HandsetCounts, HandsetSettings } from "./handset.ts"
import type { LoginRecord, SentRecord } from "./stats.ts"
import { jidOf, type Account, type World } from "./world.ts"

/** A phone as the control surface shows it. */
export interface PhoneView {
  readonly phone: string
  readonly lid: string
  readonly name: string
  readonly registered: boolean
  readonly settings: HandsetSettings
  readonly counts: HandsetCounts
  /** Messages kept and dropped from the list of what it received. */
  readonly received: number
  readonly forgotten: number
  /** Numbers of its linked devices. */
  readonly devices: number[]
}

/** A company's linked devices as the control surface shows them. */
export interface LineView {
  readonly phone: string
  readonly linked: boolean
  readonly connected: boolean
  readonly devices: {
    readonly id: number
    readonly jid: string
    readonly connected: boolean
    readonly queued: number
  }[]
  readonly connects: number
  readonly loginAttempts: number
  readonly loginsAccepted: number
  readonly logins: readonly LoginRecord[]
  readonly messages: number
  /** Different ids among them, and how many of those were acknowledged. */
  readonly messageIds: number
  readonly repeats: number
  readonly acks: number
  readonly refused: number
  readonly withheldAcks: number
  readonly delivered: number
  readonly deliveredOffline: number
  readonly receiptsToLine: number
  readonly receiptsFromLine: number
  readonly readsFromLine: number
  readonly retriesAsked: number
  readonly nacks: number
  readonly pings: number
  readonly presence: string | null
  /** What it last showed in a chat, and where. */
  readonly chatState: string | null
  readonly preKeysLeft: number
  readonly preKeysUploaded: number
  readonly preKeysGiven: number
  readonly iqs: Record<string, number>
  readonly unknownIqs: Record<string, number>
}

export interface Totals {
  readonly upgrades: number
  readonly upgradesRefused: number
  /** Clients that came without being linked, to be given a QR code. */
  readonly registrations: number
  readonly connections: number
  readonly protocolErrors: number
  readonly phones: number
  readonly lines: number
  readonly linesConnected: number
  readonly loginAttempts: number
  readonly loginsAccepted: number
  readonly messages: number
  readonly acks: number
  readonly texts: number
  readonly repeats: number
  readonly undecryptable: number
  readonly retriesAskedByPhones: number
  readonly retriesAskedByLines: number
}

export function phoneView(account: Account): PhoneView {
  const { handset, phone, lid, name, registered, lines } = account
  return {
    phone,
    lid,
    name,
    registered,
    settings: { ...handset.settings },
    counts: { ...handset.counts },
    received: handset.inbox.total,
    forgotten: handset.inbox.forgotten,
    devices: [...lines.keys()],
  }
}

export function lineView(account: Account): LineView {
  const { logins, sent, iqs, unknownIqs, ...counters } = account.stats
  const devices = [...account.lines.values()].map((line) => ({
    id: line.id,
    jid: jidOf(account, "pn", line.id),
    connected: line.connection !== undefined,
    queued: line.queue.size,
  }))
  const messageIds = sent.size + sent.forgotten
  return {
    phone: account.phone,
    linked: devices.length > 0,
    connected: devices.some((device) => device.connected),
    devices,
    ...counters,
    logins: logins.items(),
    messageIds,
    repeats: counters.messages - messageIds,
    preKeysLeft: [...account.lines.values()].reduce((sum, line) => sum + line.preKeys.size, 0),
    iqs: Object.fromEntries(iqs),
    unknownIqs: Object.fromEntries(unknownIqs),
  }
}

export function sentByLine(account: Account, id: string | undefined): SentRecord[] {
  if (id === undefined) return [...account.stats.sent.values()]
  const one = account.stats.sent.get(id)
  return one ? [one] : []
}

export function totals(world: World): Totals {
  const accounts = [...world.accounts.values()]
  const sum = (value: (account: Account) => number): number => accounts.reduce((all, one) => all + value(one), 0)
  const { upgrades, upgradesRefused, registrations, protocolErrors } = world.journal
  return {
    upgrades,
    upgradesRefused,
    registrations,
    protocolErrors,
    connections: world.connections.size,
    phones: accounts.length,
    lines: sum((account) => account.lines.size),
    linesConnected: sum((account) => [...account.lines.values()].filter((line) => line.connection).length),
    loginAttempts: sum(({ stats }) => stats.loginAttempts),
    loginsAccepted: sum(({ stats }) => stats.loginsAccepted),
    messages: sum(({ stats }) => stats.messages),
    acks: sum(({ stats }) => stats.acks),
    texts: sum(({ handset }) => handset.counts.texts),
    repeats: sum(({ handset }) => handset.counts.repeats),
    undecryptable: sum(({ handset }) => handset.counts.undecryptable),
    retriesAskedByPhones: sum(({ handset }) => handset.counts.retriesAsked),
    retriesAskedByLines: sum(({ stats }) => stats.retriesAsked),
  }
}
