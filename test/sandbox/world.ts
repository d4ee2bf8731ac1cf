import { makeAuthority, type Authority } from "./certificate.ts"
import type { Connection } from "./connection.ts"
import { createFaults, type Faults } from "./faults.ts"
import type { Handset } from "./handset.ts"
import { formatJid, parseJid, type Addressing } from "./jid.ts"
import type { Line } from "./line.ts"
import { createJournal, type Journal } from "./journal.ts"
import type { Node } from "./binary.ts"
import type { PairingAttempt } from "./pairing.ts"
import type { Bundle } from "./signal.ts"
import type { LineStats } from "./stats.ts"
import { createWatch, type Watch } from "./watch.ts"

/** Something that stanzas can be delivered to: device 0 is the phone, the others are linked devices. */
export interface Device {
  readonly account: Account
  readonly id: number
  /** `key` is what will confirm it (see `line.ts`). */
  receive(stanza: Node, key: string): void
  /** Its keys for a first message; a one-time pre-key in it is used up. */
  bundle(): Bundle
}

export interface Account {
  readonly phone: string
  readonly lid: string
  name: string
  /** False: the number is not on WhatsApp, as far as anybody who asks can see. */
  registered: boolean
  readonly handset: Handset
  readonly lines: Map<number, Line>
  /** Of all its linked devices together, over unlinking and linking anew. */
  readonly stats: LineStats
  nextDevice: number
}

export interface Group {
  readonly jid: string
  readonly subject: string
  readonly addressing: Addressing
  readonly creator: Account
  readonly created: number
  readonly members: Set<Account>
}

/** Everything that the sandbox knows; it lives as long as the process, whatever clients come and go. */
export interface World {
  readonly authority: Authority
  readonly faults: Faults
  readonly journal: Journal
  /** Anything about lines changed: connected, logged in, linked. */
  readonly watch: Watch
  readonly accounts: Map<string, Account>
  readonly lids: Map<string, Account>
  /** Other spellings of numbers, which look-ups answer with the account's own. */
  readonly spellings: Map<string, Account>
  readonly groups: Map<string, Group>
  readonly connections: Set<Connection>
  /** Devices that show a QR code, by each reference in it. */
  readonly refs: Map<string, PairingAttempt>
  /** Devices that asked for a pairing code, by phone number. */
  readonly codes: Map<string, PairingAttempt>
}

export function createWorld(): World {
  const accounts = new Map<string, Account>()
  const faults = createFaults((fault) => {
    if (fault.kind !== "hold-queue") return
    for (const account of accounts.values()) for (const line of account.lines.values()) line.flush()
  })
  return {
    authority: makeAuthority(),
    faults,
    journal: createJournal(),
    watch: createWatch(),
    accounts,
    lids: new Map(),
    spellings: new Map(),
    groups: new Map(),
    connections: new Set(),
    refs: new Map(),
    codes: new Map(),
  }
}

/** The account behind a phone number or LID address; undefined when nobody has it. */
export function accountOf(world: World, jid: string): Account | undefined {
  const { user, server } = parseJid(jid)
  return server === "lid" ? world.lids.get(user) : world.accounts.get(user)
}

export function deviceOf(world: World, jid: string): Device | undefined {
  const account = accountOf(world, jid)
  if (!account) return undefined
  const { device } = parseJid(jid)
  return device === 0 ? account.handset : account.lines.get(device)
}

export function devicesOf(account: Account): Device[] {
  return [account.handset, ...account.lines.values()]
}

export function jidOf(account: Account, addressing: Addressing, device = 0): string {
  return formatJid(addressing === "lid" ? account.lid : account.phone, addressing, device)
}
