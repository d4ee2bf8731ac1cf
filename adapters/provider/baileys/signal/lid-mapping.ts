import { createBoundedMap } from "../bounded-map.ts"
import { decodeJson, encodeJson } from "../codec.ts"
import type { LineStore } from "../line-store.ts"
import { lidJid, phoneJid, underLid, underPhone } from "./address.ts"
import { parseJid } from "../jid.ts"

/**
 * Which LID belongs to which phone number, in the store and in the shape Baileys asks it. Baileys' own class keeps every
 * pair it ever saw in memory, with a timer of three days for each.
 */
export interface LidMapping {
  storeLIDPNMappings(pairs: readonly LidPair[]): Promise<void>
  getLIDForPN(pn: string): Promise<string | null>
  getLIDsForPNs(pns: readonly string[]): Promise<LidPair[] | null>
  getPNForLID(lid: string): Promise<string | null>
  getPNsForLIDs(lids: readonly string[]): Promise<LidPair[] | null>
  close(): void
  /** What is known here, without asking WhatsApp. */
  lidUserOf(phone: string): Promise<string | undefined>
  phoneOf(lidUser: string): Promise<string | undefined>
}

export interface LidPair {
  readonly lid: string
  readonly pn: string
}

export interface LidMappingOptions {
  readonly store: LineStore
  /** Asks WhatsApp; absent numbers are left out. */
  readonly ask: ((pns: string[]) => Promise<LidPair[] | undefined>) | undefined
  onNew(pair: { readonly phone: string; readonly lid: string }): void
}

const TYPE = "lid-mapping"
const MOST_KNOWN = 400

const reverse = (lidUser: string): string => `${lidUser}_reverse`

export function createLidMapping({ store, ask, onNew }: LidMappingOptions): LidMapping {
  const asking = new Map<string, Promise<void>>()
  /** Looked up several times for every message. */
  const known = createBoundedMap<string>({ max: MOST_KNOWN })

  async function read(ids: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>()
    const missing: string[] = []
    for (const id of ids) {
      const value = known.get(id)
      if (value === undefined) missing.push(id)
      else found.set(id, value)
    }
    if (missing.length === 0) return found
    for (const [id, record] of await store.load(TYPE, missing)) {
      const value = decodeJson(record, `${TYPE}/${id}`)
      if (typeof value !== "string") continue
      known.set(id, value)
      found.set(id, value)
    }
    return found
  }

  async function storePairs(pairs: readonly LidPair[]): Promise<void> {
    const wanted = new Map<string, string>()
    for (const pair of pairs) {
      // Some callers give the two the other way round.
      const phone = phoneJid(pair.pn)?.user ?? phoneJid(pair.lid)?.user
      const lid = lidJid(pair.lid)?.user ?? lidJid(pair.pn)?.user
      if (phone && lid) wanted.set(phone, lid)
    }
    if (wanted.size === 0) return
    const before = await read([...wanted.keys()])
    const changed = [...wanted].filter(([phone, lid]) => before.get(phone) !== lid)
    if (changed.length === 0) return
    const records = changed.flatMap(([phone, lid]) => [
      [phone, encodeJson(lid)] as const,
      [reverse(lid), encodeJson(phone)] as const,
    ])
    await store.write({ [TYPE]: Object.fromEntries(records) })
    for (const [phone, lid] of changed) {
      known.set(phone, lid)
      known.set(reverse(lid), phone)
      onNew({ phone, lid })
    }
  }
  function askOnce(phones: readonly string[]): Promise<void> {
    const key = phones.toSorted().join(",")
    const running = asking.get(key)
    if (running) return running
    const query = (async () => {
      const answer = await ask?.(phones.map((phone) => `${phone}@s.whatsapp.net`))
      if (answer) await storePairs(answer)
    })().finally(() => asking.delete(key))
    asking.set(key, query)
    return query
  }
  async function lidsForPns(pns: readonly string[]): Promise<LidPair[] | null> {
    const asked = pns.flatMap((pn) => phoneJid(pn) ?? [])
    if (asked.length === 0) return null
    const phones = [...new Set(asked.map(({ user }) => user))]
    let found = await read(phones)
    const unknown = phones.filter((phone) => !found.has(phone))
    if (unknown.length > 0) {
      await askOnce(unknown)
      found = await read(phones)
    }
    return orNull(
      pns.flatMap((pn) => {
        const jid = phoneJid(pn)
        const lid = jid && found.get(jid.user)
        return jid && lid ? [{ pn, lid: underLid(jid, lid) }] : []
      }),
    )
  }
  async function pnsForLids(lids: readonly string[]): Promise<LidPair[] | null> {
    const users = lids.flatMap((lid) => lidJid(lid)?.user ?? [])
    const found = await read([...new Set(users.map(reverse))])
    return orNull(
      lids.flatMap((lid) => {
        const jid = parseJid(lid)
        const phone = jid && found.get(reverse(jid.user))
        return jid && phone ? [{ lid, pn: underPhone(jid, phone) }] : []
      }),
    )
  }

  return {
    storeLIDPNMappings: storePairs,
    getLIDsForPNs: lidsForPns,
    getPNsForLIDs: pnsForLids,
    getLIDForPN: async (pn) => (await lidsForPns([pn]))?.[0]?.lid ?? null,
    getPNForLID: async (lid) => (await pnsForLids([lid]))?.[0]?.pn ?? null,
    close: () => asking.clear(),
    lidUserOf: async (phone) => (await read([phone])).get(phone),
    phoneOf: async (lidUser) => (await read([reverse(lidUser)])).get(reverse(lidUser)),
  }
}

function orNull(pairs: LidPair[]): LidPair[] | null {
  return pairs.length > 0 ? pairs : null
}
