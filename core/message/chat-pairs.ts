import { appError } from "../errors.ts"
import type { Ledger, Op, Row } from "../ledger.ts"
import { decodeRecord } from "../records/values.ts"
import { CHAT_TABLE, type ChatRow, PERSON_TABLE, type PersonRow, placeChat, placePerson } from "./chat-rows.ts"

/** Of two chats that turn out to be one person's, the older id stays. */
export interface Merge {
  readonly from: string
  readonly into: string
}

export interface Pairing {
  /** True when the two are now known to be one person; false when other knowledge speaks against it. */
  learn(company: string, phone: string, lid: string): Promise<boolean>
  learnAll(company: string, pairs: readonly Pair[]): Promise<void>
}

interface Pair {
  readonly phone: string
  readonly lid: string
}

export interface PairingDeps {
  readonly ledger: Ledger
  /** Called after a commit with the names whose chat may have changed. */
  readonly changed: (company: string, persons: readonly string[], merge: Merge | undefined) => void
}

interface Side {
  readonly key: string
  readonly version: number
  readonly row: PersonRow
}

const RETRIES = 16
/** Pairs recorded in one commit: a linked phone's history brings thousands. */
const BATCH = 200

export function createPairing({ ledger, changed }: PairingDeps): Pairing {
  const read = async (company: string, keys: readonly string[]): Promise<Side[]> => {
    const rows = await ledger.get(company, PERSON_TABLE, keys)
    return keys.map((key, index) => side(key, rows[index]))
  }

  const chatOf = async (company: string, id: string | null): Promise<Known | undefined> => {
    if (id === null) return undefined
    const [row] = await ledger.get(company, CHAT_TABLE, [id])
    return row && { id, version: row.version, row: decodeRecord<ChatRow>(row.value, `chat ${id}`) }
  }

  const learn = async (company: string, phone: string, lid: string): Promise<boolean> => {
    for (let attempt = 0; attempt < RETRIES; attempt++) {
      const [p, l] = (await read(company, [`p:${phone}`, `l:${lid}`])) as [Side, Side]
      if (contradicts(p, lid) || contradicts(l, phone)) return false
      if (recorded(p, l, phone, lid)) return true
      const [byPhone, byLid] = await Promise.all([chatOf(company, p.row.chat), chatOf(company, l.row.chat)])
      const { ops, chat, merge } = join(byPhone, byLid, phone, lid)
      const names: Op[] = [
        { op: "putIfVersion", version: p.version, ...placePerson(p.key, { chat, pair: lid }) },
        { op: "putIfVersion", version: l.version, ...placePerson(l.key, { chat, pair: phone }) },
      ]
      const result = await ledger.commit(company, [...names, ...ops])
      if (!result.ok) continue
      changed(company, [p.key, l.key], merge)
      return true
    }
    // Each round somebody else has written one of the two rows: they are one process's, so this cannot go on.
    throw appError("STORAGE_UNAVAILABLE")
  }

  return {
    learn,
    async learnAll(company, pairs) {
      for (let from = 0; from < pairs.length; from += BATCH) {
        const batch = pairs.slice(from, from + BATCH)
        const sides = await read(
          company,
          batch.flatMap(({ phone, lid }) => [`p:${phone}`, `l:${lid}`]),
        )
        const ops: Op[] = []
        const later: Pair[] = []
        const taken = new Set<string>()
        for (const [index, { phone, lid }] of batch.entries()) {
          const p = sides[2 * index] as Side
          const l = sides[2 * index + 1] as Side
          if (recorded(p, l, phone, lid)) continue
          if (p.version > 0 || l.version > 0 || taken.has(p.key) || taken.has(l.key)) later.push({ phone, lid })
          else {
            taken.add(p.key).add(l.key)
            ops.push({ op: "putIfVersion", version: 0, ...placePerson(p.key, { chat: null, pair: lid }) })
            ops.push({ op: "putIfVersion", version: 0, ...placePerson(l.key, { chat: null, pair: phone }) })
          }
        }
        const result = ops.length === 0 ? { ok: true } : await ledger.commit(company, ops)
        if (result.ok) changed(company, [...taken], undefined)
        for (const { phone, lid } of result.ok ? later : batch) await learn(company, phone, lid)
      }
    },
  }
}

function side(key: string, row: Row | undefined): Side {
  if (row === undefined) return { key, version: 0, row: { chat: null, pair: null } }
  return { key, version: row.version, row: decodeRecord<PersonRow>(row.value, `person ${key}`) }
}

function contradicts({ row }: Side, other: string): boolean {
  return row.pair !== null && row.pair !== other
}

function recorded(p: Side, l: Side, phone: string, lid: string): boolean {
  return p.row.pair === lid && l.row.pair === phone && p.row.chat === l.row.chat
}

interface Known {
  readonly id: string
  readonly version: number
  readonly row: ChatRow
}

/** The one chat of a person who may have had two. */
function join(a: Known | undefined, b: Known | undefined, phone: string, lid: string) {
  if (a === undefined && b === undefined) return { ops: [] as Op[], chat: null, merge: undefined }
  const [older, newer] = inOrder(a, b)
  const separate = newer !== undefined && newer.id !== older.id ? newer : undefined
  const members = separate ? [...older.row.members, separate.id, ...separate.row.members] : older.row.members
  const open = older.row.open || (separate?.row.open ?? false)
  const place = ({ id, version }: Known, row: ChatRow): Op => ({ op: "putIfVersion", version, ...placeChat(id, row) })
  const ops: Op[] = [place(older, { ...older.row, phone, lid, members, open })]
  if (separate !== undefined) ops.push(place(separate, { ...separate.row, alias: older.id }))
  return { ops, chat: older.id, merge: separate && { from: separate.id, into: older.id } }
}

function inOrder(a: Known | undefined, b: Known | undefined): [Known, Known | undefined] {
  if (a === undefined || b === undefined) return [(a ?? b) as Known, undefined]
  const aFirst = a.row.at < b.row.at || (a.row.at === b.row.at && a.id < b.id)
  return aFirst ? [a, b] : [b, a]
}
