import type { EventDraft, Events } from "../events.ts"
import type { Ids } from "./ids.ts"
import type { CommitResult, Ledger, Op, Row } from "../ledger.ts"
import type { Clock } from "../clock.ts"
import { createLru } from "../records/lru.ts"
import type { ChatRef } from "../provider.ts"
import { decodeRecord } from "../records/values.ts"
import {
  CHAT_TABLE,
  type ChatRow,
  PERSON_TABLE,
  type PersonRow,
  personKeys,
  placeChat,
  placePerson,
  rowOf,
} from "./chat-rows.ts"
import { createPairing, type Merge } from "./chat-pairs.ts"

/** A conversation. One person has one, whether known by phone, by LID, or by both. */
export interface Chat {
  readonly id: string
  readonly phone: string | null
  readonly lid: string | null
  readonly group: string | null
  /** True once somebody has really written in it: WhatsApp counts the others as new chats. */
  readonly open: boolean
  /** Ids of chats that turned out to be this one. */
  readonly members: readonly string[]
  readonly at: number
  /** Of its row; 0 while it is in memory only. */
  readonly version: number
  /** The writes that lead its names to it; none once it is durable. */
  readonly names: readonly Op[]
}

export interface Intent {
  readonly ops: readonly Op[]
  readonly drafts: readonly EventDraft[]
  /** Somebody writes in the chat with this commit. */
  readonly opens: boolean
}

export interface Chats {
  /** The chat of a person or group; makes one, in memory only, when there is none. */
  resolve(company: string, ref: ChatRef): Promise<Chat>
  find(company: string, ref: ChatRef): Promise<Chat | undefined>
  /** The phone behind a LID, as far as it is known. */
  phoneOf(company: string, lid: string): Promise<string | null>
  lidOf(company: string, phone: string): Promise<string | null>
  /** Also by the id of a chat that was merged into another. */
  byId(company: string, chatId: string): Promise<Chat | undefined>
  /**
   * Commits what `intend` gives for the chat, together with the chat itself if it is new. A refusal by one of the
   * caller's own conditions comes back; one by the chat's is resolved anew.
   */
  commit(company: string, ref: ChatRef, intend: (chat: Chat) => Intent): Promise<{ chat: Chat; result: CommitResult }>
  /**
   * As `commit`, once for messages to several chats, none of which opens by it. Undefined when another write was quicker,
   * or when two of them are one person by different names: then each has to go by itself.
   */
  commitAll(
    company: string,
    refs: readonly ChatRef[],
    intend: (chats: readonly Chat[]) => readonly Op[],
  ): Promise<readonly Chat[] | undefined>
  /** Learns that a phone and a LID are one person. */
  pair(company: string, pairs: readonly { readonly phone: string; readonly lid: string }[]): Promise<void>
  /** Forgets what is in memory of a company. */
  forget(company: string): void
}

export interface ChatsDeps {
  readonly ledger: Ledger
  readonly events: Events
  readonly ids: Ids
  readonly clock: Clock
  readonly onMerge: (company: string, merge: Merge) => void
}

/** Chats kept in memory over all companies; the others are read again when they are needed. */
const REMEMBERED = 10_000
const RETRIES = 8

export function createChats({ ledger, events, ids, clock, onMerge }: ChatsDeps): Chats {
  const remembered = createLru<Chat>(REMEMBERED)
  const pairing = createPairing({
    ledger,
    changed(company, persons, merge) {
      for (const key of persons) remembered.delete(`${company}\n${key}`)
      if (merge === undefined) return
      for (const id of [merge.from, merge.into]) remembered.delete(`${company}\n#${id}`)
      onMerge(company, merge)
    },
  })

  const remember = (company: string, chat: Chat, keys: readonly string[]): Chat => {
    for (const key of keys) remembered.set(`${company}\n${key}`, chat)
    if (chat.version > 0) remembered.set(`${company}\n#${chat.id}`, chat)
    return chat
  }

  const load = async (company: string, chatId: string): Promise<Chat | undefined> => {
    // A merged chat names the one it became, which may itself have been merged later.
    for (let id: string | null = chatId, hops = 0; id !== null && hops < RETRIES; hops++) {
      const [row]: (Row | undefined)[] = await ledger.get(company, CHAT_TABLE, [id])
      if (row === undefined) return undefined
      const stored: ChatRow = decodeRecord<ChatRow>(row.value, `chat ${id}`)
      if (stored.alias === null) return { ...stored, id, version: row.version, names: [] }
      id = stored.alias
    }
    return undefined
  }

  const look = async (company: string, ref: ChatRef, make: boolean): Promise<Chat | undefined> => {
    const keys = personKeys(ref)
    const rows = await ledger.get(company, PERSON_TABLE, keys)
    const persons = rows.map((row, index) => row && decodeRecord<PersonRow>(row.value, `person ${keys[index]}`))
    const [first, second] = persons
    if (ref.kind === "person" && ref.phone !== null && ref.lid !== null && (first ?? second) !== undefined) {
      const joined = first?.pair === ref.lid && second?.pair === ref.phone && first.chat === second.chat
      if (!joined && (await pairing.learn(company, ref.phone, ref.lid))) return look(company, ref, make)
      // The number has gone from one person to another. The LID is the lasting name.
      if (!joined) return look(company, { kind: "person", phone: null, lid: ref.lid }, make)
    }
    const known = first?.chat ?? null
    if (known !== null) {
      const chat = await load(company, known)
      if (chat !== undefined) return remember(company, chat, keys)
    }
    return make ? fresh(company, ref, keys, rows, persons) : undefined
  }

  const fresh = (
    company: string,
    ref: ChatRef,
    keys: readonly string[],
    rows: readonly (Row | undefined)[],
    persons: readonly (PersonRow | undefined)[],
  ): Chat => {
    const id = ids.chat()
    const pair = persons[0]?.pair ?? null
    const phone = ref.kind === "group" ? null : (ref.phone ?? pair)
    const lid = ref.kind === "group" ? null : (ref.lid ?? pair)
    const group = ref.kind === "group" ? ref.group : null
    const names: Op[] = []
    for (const [index, key] of keys.entries()) {
      const other = key.startsWith("p:") ? lid : key.startsWith("l:") ? phone : null
      names.push({
        op: "putIfVersion",
        version: rows[index]?.version ?? 0,
        ...placePerson(key, { chat: id, pair: other }),
      })
    }
    // The other name is known from a pair alone: from now on it leads here, too.
    const twin =
      keys.length === 1 && pair !== null ? (keys[0]?.startsWith("p:") ? `l:${pair}` : `p:${pair}`) : undefined
    if (twin !== undefined)
      names.push({ op: "put", ...placePerson(twin, { chat: id, pair: phone === pair ? lid : phone }) })
    return remember(
      company,
      { id, phone, lid, group, at: clock.now(), open: false, members: [], version: 0, names },
      keys,
    )
  }

  const resolve = async (company: string, ref: ChatRef): Promise<Chat> => {
    const known = recall(company, ref)
    return known ?? ((await look(company, ref, true)) as Chat)
  }

  const recall = (company: string, ref: ChatRef): Chat | undefined => {
    const keys = personKeys(ref)
    const chat = remembered.get(`${company}\n${keys[0]}`)
    if (chat === undefined || keys.length === 1) return chat
    return remembered.get(`${company}\n${keys[1]}`) === chat ? chat : undefined
  }

  const forget = (company: string, ref: ChatRef): void => {
    for (const key of personKeys(ref)) remembered.delete(`${company}\n${key}`)
  }

  const pairOf = async (company: string, key: string): Promise<string | null> => {
    const chat = remembered.get(`${company}\n${key}`)
    const other = (key.startsWith("l:") ? chat?.phone : chat?.lid) ?? null
    if (other !== null) return other
    const [row] = await ledger.get(company, PERSON_TABLE, [key])
    return row === undefined ? null : decodeRecord<PersonRow>(row.value, `person ${key}`).pair
  }

  return {
    resolve,
    find: async (company, ref) => {
      const known = recall(company, ref)
      if (known !== undefined && known.version > 0) return known
      return look(company, ref, false)
    },

    phoneOf: (company, lid) => pairOf(company, `l:${lid}`),
    lidOf: (company, phone) => pairOf(company, `p:${phone}`),

    async byId(company, chatId) {
      const known = remembered.get(`${company}\n#${chatId}`)
      if (known !== undefined) return known
      const chat = await load(company, chatId)
      if (chat !== undefined) remembered.set(`${company}\n#${chatId}`, chat)
      return chat
    },

    async commit(company, ref, intend) {
      for (let attempt = 0; ; attempt++) {
        const chat = await resolve(company, ref)
        const { ops, drafts, opens } = intend(chat)
        const changes = chat.version === 0 || (opens && !chat.open)
        if (!changes) return { chat, result: await events.commit(company, ops, drafts) }
        const saved: Chat = { ...chat, open: chat.open || opens, version: chat.version + 1, names: [] }
        const own: Op = { op: "putIfVersion", version: chat.version, ...placeChat(chat.id, rowOf(saved)) }
        const result = await events.commit(company, [...ops, ...chat.names, own], drafts)
        if (result.ok) return { chat: remember(company, saved, personKeys(ref)), result }
        if (result.op < ops.length || attempt >= RETRIES) return { chat, result }
        forget(company, ref)
      }
    },

    async commitAll(company, refs, intend) {
      const all: Chat[] = []
      const fresh = new Map<string, { readonly saved: Chat; readonly ops: readonly Op[]; readonly ref: ChatRef }>()
      for (const ref of refs) {
        const chat = await resolve(company, ref)
        all.push(chat)
        if (chat.version > 0 || fresh.has(chat.id)) continue
        const saved: Chat = { ...chat, version: 1, names: [] }
        const own: Op = { op: "putIfVersion", version: 0, ...placeChat(chat.id, rowOf(saved)) }
        fresh.set(chat.id, { saved, ops: [...chat.names, own], ref })
      }
      const made = [...fresh.values()]
      const result = await ledger.commit(company, [...intend(all), ...made.flatMap(({ ops }) => ops)])
      for (const { saved, ref } of made) {
        if (result.ok) remember(company, saved, personKeys(ref))
        else forget(company, ref)
      }
      return result.ok ? all : undefined
    },

    pair: (company, pairs) => pairing.learnAll(company, pairs),
    forget: (company) => remembered.deleteAll(`${company}\n`),
  }
}
