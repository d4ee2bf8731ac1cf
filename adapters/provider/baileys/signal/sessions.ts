import type { PreKeyBundleInput } from "whatsapp-rust-bridge"
import type { AuthBatch } from "../../../../core/store.ts"
import { createBoundedMap } from "../bounded-map.ts"
import { decodeRaw, encodeRaw } from "../codec.ts"
import type { LineStore } from "../line-store.ts"
import { lidJid, phoneJid, underLid, addressOfJid, type Address } from "./address.ts"
import type { LidMapping } from "./lid-mapping.ts"
import type { Lock } from "./lock.ts"
import { PRE_KEY, type OwnKeys } from "./own-keys.ts"
import { hasCurrent, joinRecord, sessionInfo, splitRecord, type SessionInfo } from "./session-record.ts"
import { bundleStep, decryptStep, encryptStep, type StepOutcome } from "./step.ts"

export const SESSION = "session"
const IDENTITY = "identity-key"

/** Hands a plaintext on to be kept before its ratchet step is written. Rejects only when the line has ended. */
export type Journal = (ciphertext: Uint8Array, plaintext: Uint8Array) => Promise<void>

/** The pairwise sessions of one line. A plaintext is handed on when its step is written, a ciphertext when it is staged. */
export interface Sessions {
  encrypt(jid: string, data: Uint8Array): Promise<{ type: "pkmsg" | "msg"; ciphertext: Buffer }>
  decrypt(jid: string, type: "pkmsg" | "msg", ciphertext: Uint8Array): Promise<Uint8Array>
  inject(jid: string, bundle: PreKeyBundleInput): Promise<void>
  exists(jid: string): Promise<boolean>
  info(jid: string): Promise<SessionInfo | undefined>
  /** Ids as `Address.id`. */
  forget(ids: readonly string[]): Promise<void>
  /** Moves the sessions of a number to its LID; a session already there stays the current one. Gives how many moved. */
  migrate(fromPhoneJid: string, toLidJid: string, devices: readonly number[]): Promise<number>
}

export interface SessionsOptions {
  readonly store: LineStore
  readonly lock: Lock
  readonly own: OwnKeys
  readonly lids: LidMapping
  readonly journal: Journal
  onIdentityChange(): void
}

export function createSessions({ store, lock, own, lids, journal, onIdentityChange }: SessionsOptions): Sessions {
  /** Numbers with no session left under the number itself, by the LID they went to. */
  const moved = createBoundedMap<string>({ max: 500 })

  // From what is known here only: a question to WhatsApp under the lock would hold up the whole line.
  async function resolve(jid: string): Promise<Address> {
    const phone = phoneJid(jid)
    const lid = phone && (await lids.lidUserOf(phone.user))
    return addressOfJid(phone && lid ? underLid(phone, lid) : jid)
  }
  async function load(id: string): Promise<Uint8Array | undefined> {
    const stored = (await store.load(SESSION, [id])).get(id)
    if (!stored) return undefined
    const record = decodeRaw(stored, `${SESSION}/${id}`)
    // Throws for a record that is cut off; the cipher would only say that it cannot read it.
    splitRecord(record)
    return record
  }
  async function identityWrite(id: string, key: Uint8Array | undefined): Promise<AuthBatch> {
    if (!key) return {}
    const known = (await store.load(IDENTITY, [id])).get(id)
    const record = encodeRaw(key)
    if (known && Buffer.compare(known, record) === 0) return {}
    if (known) onIdentityChange()
    return { [IDENTITY]: { [id]: record } }
  }
  async function stage(address: Address, outcome: StepOutcome, identity: AuthBatch = {}): Promise<void> {
    if (!address.name.includes("_")) moved.delete(address.name)
    const used = outcome.usedPreKey === undefined ? {} : { [PRE_KEY]: { [String(outcome.usedPreKey)]: null } }
    store.stage({ [SESSION]: { [address.id]: encodeRaw(outcome.record) }, ...used, ...identity })
  }

  return {
    async encrypt(jid, data) {
      const address = await resolve(jid)
      const { type, ciphertext } = await lock(async () => {
        const step = await encryptStep(own, address, await load(address.id), data)
        await stage(address, step)
        return step
      })
      // Not awaited: the frame it goes out in is held back until it is written (`write-barrier.ts`).
      void store.durable()
      return { type, ciphertext }
    },
    async decrypt(jid, type, ciphertext) {
      const address = await resolve(jid)
      const plaintext = await lock(async () => {
        const step = await decryptStep(own, address, await load(address.id), type, ciphertext)
        const identity = type === "pkmsg" ? await identityWrite(address.id, step.identity) : {}
        // Before the ratchet: a message whose ratchet is written counts as read when WhatsApp delivers it again.
        await journal(ciphertext, step.plaintext)
        await stage(address, step, identity)
        return step.plaintext
      })
      await store.durable()
      return plaintext
    },
    async inject(jid, bundle) {
      const address = await resolve(jid)
      await lock(async () => {
        const step = await bundleStep(own, address, await load(address.id), bundle)
        await stage(address, step, await identityWrite(address.id, step.identity))
      })
      await store.durable()
    },
    async exists(jid) {
      const record = await load((await resolve(jid)).id)
      return record !== undefined && hasCurrent(record)
    },
    async info(jid) {
      const record = await load((await resolve(jid)).id)
      return record && sessionInfo(record)
    },
    async forget(ids) {
      const all = await Promise.all(ids.map(async (id) => [id, await underLidOf(id, lids)]))
      await lock(async () => {
        store.stage({ [SESSION]: Object.fromEntries(all.flat().flatMap((id) => (id ? [[id, null]] : []))) })
      })
      await store.durable()
    },
    async migrate(fromPhoneJid, toLidJid, devices) {
      const phone = phoneJid(fromPhoneJid)
      const lid = lidJid(toLidJid)
      if (!phone || !lid || moved.get(phone.user) === lid.user) return 0
      const pairs = devices.map(
        (device) => [`${phone.user}.${device}`, addressOfJid(underLid({ ...phone, device }, lid.user)).id] as const,
      )
      const count = await lock(async () => {
        const writes: Record<string, Uint8Array | null> = {}
        for (const [from, to] of pairs) {
          const [old, current] = [await load(from), await load(to)]
          if (!old) continue
          writes[to] = encodeRaw(current ? joinRecord([...sessionsOf(current), ...sessionsOf(old)]) : old)
          writes[from] = null
        }
        store.stage({ [SESSION]: writes })
        return Object.keys(writes).length / 2
      })
      if (count > 0) await store.durable()
      moved.set(phone.user, lid.user)
      return count
    },
  }
}

function sessionsOf(record: Uint8Array): Uint8Array[] {
  const { current, previous } = splitRecord(record)
  return current ? [current, ...previous] : [...previous]
}

/** Baileys names a session by the number's id even where it lives under the LID. */
async function underLidOf(id: string, lids: LidMapping): Promise<string | undefined> {
  const [name = "", device = "0"] = id.split(".")
  if (name.includes("_")) return undefined
  const lid = await lids.lidUserOf(name)
  return lid && `${lid}_1.${device}`
}
