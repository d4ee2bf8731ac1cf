import type { PreKeyBundleInput } from "whatsapp-rust-bridge"
import { decodeJson, decodeRaw, encodeRaw } from "../codec.ts"
import { forLibrary, type Endurance } from "../endurance.ts"
import type { LineStore } from "../line-store.ts"
import { addressOfJid, phoneJid } from "./address.ts"
import {
  acceptDistributionStep,
  distributionStep,
  groupDecryptStep,
  groupEncryptStep,
  senderKeyId,
} from "./group-step.ts"
import type { LidMapping } from "./lid-mapping.ts"
import type { Lock } from "./lock.ts"
import type { OwnKeys } from "./own-keys.ts"
import { createSessions, type Journal } from "./sessions.ts"

const SENDER_KEY = "sender-key"

/** The Signal repository in the shape that Baileys 7.0.0-rc14 asks for (`SignalRepositoryWithLIDStore`). */
export interface SignalRepository {
  encryptMessage(input: { jid: string; data: Uint8Array }): Promise<{ type: "pkmsg" | "msg"; ciphertext: Uint8Array }>
  decryptMessage(input: { jid: string; type: "pkmsg" | "msg"; ciphertext: Uint8Array }): Promise<Uint8Array>
  encryptGroupMessage(input: {
    group: string
    meId: string
    data: Uint8Array
  }): Promise<{ ciphertext: Uint8Array; senderKeyDistributionMessage: Uint8Array }>
  decryptGroupMessage(input: { group: string; authorJid: string; msg: Uint8Array }): Promise<Uint8Array>
  processSenderKeyDistributionMessage(input: {
    authorJid: string
    item: { groupId?: string | null; axolotlSenderKeyDistributionMessage?: Uint8Array | null }
  }): Promise<void>
  getSenderKeyDistributionMessage(input: { group: string; meId: string }): Promise<Uint8Array>
  hasSenderKey(input: { group: string; meId: string }): Promise<boolean>
  getSessionInfo(jid: string): Promise<{ baseKey: Uint8Array; registrationId: number } | null>
  injectE2ESession(input: { jid: string; session: PreKeyBundleInput }): Promise<void>
  validateSession(jid: string): Promise<{ exists: boolean; reason?: string }>
  jidToSignalProtocolAddress(jid: string): string
  migrateSession(fromJid: string, toJid: string): Promise<{ migrated: number; skipped: number; total: number }>
  deleteSession(jids: string[]): Promise<void>
  readonly lidMapping: LidMapping
  close(): void
}

export interface RepositoryOptions {
  readonly store: LineStore
  readonly endurance: Endurance
  readonly lock: Lock
  readonly own: OwnKeys
  readonly lids: LidMapping
  readonly journal: Journal
  onIdentityChange(): void
}

export interface Repository {
  readonly signal: SignalRepository
  /** Deletes sessions by their stored ids, in turn with the ratchet steps. */
  forget(ids: readonly string[]): Promise<void>
}

export function createRepository(options: RepositoryOptions): Repository {
  const { store, endurance, lock, own, lids, journal } = options
  const sessions = createSessions(options)

  const guarded = <T>(task: () => Promise<T>): Promise<T> => forLibrary(endurance, task)
  async function loadSenderKey(id: string): Promise<Uint8Array | undefined> {
    const record = (await store.load(SENDER_KEY, [id])).get(id)
    return record && decodeRaw(record, `${SENDER_KEY}/${id}`)
  }
  /** One step of a sender key: under the lock up to staging, durable before it is handed on. */
  async function groupStep<T extends { record: Uint8Array }>(
    group: string,
    member: string,
    step: (sender: ReturnType<typeof addressOfJid>, record: Uint8Array | undefined) => Promise<T>,
    keep: (result: T) => Promise<void> = async () => undefined,
  ): Promise<T> {
    const sender = addressOfJid(member)
    const id = senderKeyId(group, sender)
    const result = await lock(async () => {
      const done = await step(sender, await loadSenderKey(id))
      await keep(done)
      store.stage({ [SENDER_KEY]: { [id]: encodeRaw(done.record) } })
      return done
    })
    await store.durable()
    return result
  }

  const signal: SignalRepository = {
    encryptMessage: ({ jid, data }) => guarded(() => sessions.encrypt(jid, data)),
    decryptMessage: ({ jid, type, ciphertext }) => guarded(() => sessions.decrypt(jid, type, ciphertext)),
    encryptGroupMessage: ({ group, meId, data }) =>
      guarded(async () => {
        const done = await groupStep(group, meId, (sender, record) =>
          groupEncryptStep(own, group, sender, record, data),
        )
        return { ciphertext: done.ciphertext, senderKeyDistributionMessage: done.distribution }
      }),
    decryptGroupMessage: ({ group, authorJid, msg }) =>
      guarded(async () => {
        const done = await groupStep(
          group,
          authorJid,
          (sender, record) => groupDecryptStep(own, group, sender, record, msg),
          ({ plaintext }) => journal(msg, plaintext),
        )
        return done.plaintext
      }),
    processSenderKeyDistributionMessage: ({ authorJid, item }) =>
      guarded(async () => {
        const { groupId, axolotlSenderKeyDistributionMessage: distribution } = item
        if (!groupId || !distribution) throw new Error("A sender key came without its group or its bytes")
        await groupStep(groupId, authorJid, (sender, record) =>
          acceptDistributionStep(own, groupId, sender, record, distribution),
        )
      }),
    getSenderKeyDistributionMessage: ({ group, meId }) =>
      guarded(async () => {
        const done = await groupStep(group, meId, (sender, record) => distributionStep(own, group, sender, record))
        return done.distribution
      }),
    hasSenderKey: ({ group, meId }) =>
      guarded(async () => (await loadSenderKey(senderKeyId(group, addressOfJid(meId)))) !== undefined),
    getSessionInfo: (jid) => guarded(async () => (await sessions.info(jid)) ?? null),
    injectE2ESession: ({ jid, session }) => guarded(() => sessions.inject(jid, session)),
    validateSession: (jid) =>
      guarded(async () => ((await sessions.exists(jid)) ? { exists: true } : { exists: false, reason: "no session" })),
    jidToSignalProtocolAddress: (jid) => addressOfJid(jid).id,
    migrateSession: (fromJid, toJid) =>
      guarded(async () => {
        const devices = await devicesOf(store, fromJid)
        const migrated = await sessions.migrate(fromJid, toJid, devices)
        return { migrated, skipped: devices.length - migrated, total: devices.length }
      }),
    deleteSession: (jids) => guarded(() => sessions.forget(jids.map((jid) => addressOfJid(jid).id))),
    lidMapping: lids,
    close: () => lids.close(),
  }
  return { signal, forget: (ids) => guarded(() => sessions.forget(ids)) }
}

/** The devices that Baileys has on record for a number, and the one asked about. */
async function devicesOf(store: LineStore, phone: string): Promise<number[]> {
  const jid = phoneJid(phone)
  if (!jid) return []
  const record = (await store.load("device-list", [jid.user])).get(jid.user)
  const stored = record ? decodeJson(record, `device-list/${jid.user}`) : []
  const devices = Array.isArray(stored) ? stored.map(Number).filter(Number.isInteger) : []
  return [...new Set([...devices, jid.device])]
}
