import type { Placement } from "../ledger.ts"
import type { ChatRef } from "../provider.ts"
import { encodeRecord } from "../records/values.ts"

/** How chats and the people in them are kept. */
export interface ChatRow {
  readonly phone: string | null
  readonly lid: string | null
  readonly group: string | null
  /** When it was made: of two that merge the older one stays. */
  readonly at: number
  /** The chat that this one was merged into. */
  readonly alias: string | null
  readonly members: readonly string[]
  readonly open: boolean
}

/** What is known of one name (`p:` phone, `l:` LID, `g:` group): its chat, and the same person's other name. */
export interface PersonRow {
  readonly chat: string | null
  readonly pair: string | null
}

export const CHAT_TABLE = "chat"
export const PERSON_TABLE = "person"

/** The names a reference gives, phone first. */
export function personKeys(ref: ChatRef): readonly string[] {
  if (ref.kind === "group") return [`g:${ref.group}`]
  if (ref.phone === null) return [`l:${ref.lid ?? ""}`]
  return ref.lid === null ? [`p:${ref.phone}`] : [`p:${ref.phone}`, `l:${ref.lid}`]
}

/** Of a chat that has not been merged into another. */
export function rowOf({ phone, lid, group, at, members, open }: Omit<ChatRow, "alias">): ChatRow {
  return { phone, lid, group, at, alias: null, members, open }
}

export function placeChat(chatId: string, row: ChatRow): Placement {
  return { table: CHAT_TABLE, key: chatId, value: encodeRecord(row) }
}

export function placePerson(key: string, row: PersonRow): Placement {
  return { table: PERSON_TABLE, key, value: encodeRecord(row) }
}
