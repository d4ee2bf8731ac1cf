import {
  generateIdentityKeyPair,
  generatePreKey,
  generateSignedPreKey,
  type PreKeyBundleInput,
} from "whatsapp-rust-bridge"
import { beforeEach, describe, expect, test, vi } from "vitest"
import { createEndurance } from "../../adapters/provider/baileys/endurance.ts"
import { createLineStore, type LineStore } from "../../adapters/provider/baileys/line-store.ts"
import { createLidMapping } from "../../adapters/provider/baileys/signal/lid-mapping.ts"
import { createLock, type Lock } from "../../adapters/provider/baileys/signal/lock.ts"
import {
  createOwnKeys,
  encodeKeyPair,
  PRE_KEY,
  SIGNED_PRE_KEY,
} from "../../adapters/provider/baileys/signal/own-keys.ts"
import { createRepository, type Repository } from "../../adapters/provider/baileys/signal/repository.ts"
import { splitRecord } from "../../adapters/provider/baileys/signal/session-record.ts"
import { createTestLog } from "../support/log.ts"
import { createTestStore, realClock, type TestStore } from "./support.ts"

interface Party {
  readonly jid: string
  readonly store: TestStore
  readonly line: LineStore
  readonly repository: Repository
  readonly journal: { ciphertext: Uint8Array; plaintext: string }[]
  readonly hopeless: Error[]
  /** A bundle with a one-time key, or without one. */
  bundle(oneTime?: boolean): Promise<PreKeyBundleInput>
  /** The same party after a restart: from what is stored. */
  restarted(): Party
}

interface PartyOptions {
  readonly store?: TestStore
  readonly identity?: ReturnType<typeof generateIdentityKeyPair>
  readonly signedPreKeyId?: number
  readonly lock?: Lock
  readonly beforeKept?: () => Promise<void>
}

const bare = (key: Uint8Array) => key.slice(-32)
let nextPreKey = 1

function createParty(jid: string, options: PartyOptions = {}): Party {
  const store = options.store ?? createTestStore()
  const identity = options.identity ?? generateIdentityKeyPair()
  const signed = generateSignedPreKey(identity, options.signedPreKeyId ?? 1)
  const signedPair = { private: signed.keyPair.privKey, public: bare(signed.keyPair.pubKey) }
  const credentials = {
    registrationId: 4711,
    signedIdentityKey: { private: identity.privKey, public: bare(identity.pubKey) },
    signedPreKey: { keyId: signed.keyId, keyPair: signedPair, signature: signed.signature },
  }
  const hopeless: Error[] = []
  const endurance = createEndurance({
    clock: realClock,
    log: createTestLog(),
    limitMs: 10_000,
    onExhausted: () => undefined,
    onHopeless: (error) => {
      hopeless.push(error)
      endurance.end(error)
    },
  })
  const line = createLineStore(store, endurance)
  const lids = createLidMapping({ store: line, ask: undefined, onNew: () => undefined })
  const journal: Party["journal"] = []
  const repository = createRepository({
    store: line,
    endurance,
    lock: options.lock ?? createLock(),
    own: createOwnKeys(credentials, line),
    lids,
    journal: async (ciphertext, plaintext) => {
      await options.beforeKept?.()
      journal.push({ ciphertext, plaintext: Buffer.from(plaintext).toString() })
    },
    onIdentityChange: () => undefined,
  })
  return {
    jid,
    store,
    line,
    repository,
    journal,
    hopeless,
    async bundle(oneTime = true) {
      const base = {
        registrationId: credentials.registrationId,
        identityKey: identity.pubKey,
        signedPreKey: { keyId: signed.keyId, publicKey: signed.keyPair.pubKey, signature: signed.signature },
      }
      // Kept with its id: a restart finds the key of a bundle that somebody took before.
      await line.write({ [SIGNED_PRE_KEY]: { [String(signed.keyId)]: encodeKeyPair(signedPair, signed.signature) } })
      if (!oneTime) return base
      const { keyId, keyPair } = generatePreKey(nextPreKey++)
      const pair = { private: keyPair.privKey, public: bare(keyPair.pubKey) }
      await line.write({ [PRE_KEY]: { [String(keyId)]: encodeKeyPair(pair) } })
      return { ...base, preKey: { keyId, publicKey: keyPair.pubKey } }
    },
    restarted: () => createParty(jid, { ...options, store: store.copy(), identity, signedPreKeyId: signed.keyId + 1 }),
  }
}

interface Sealed {
  readonly type: "pkmsg" | "msg"
  readonly ciphertext: Uint8Array
}

/** With its step written, as it must be before a frame may leave (`write-barrier.ts`). */
async function encrypt(from: Party, to: Party, text: string): Promise<Sealed> {
  const sealed = await from.repository.signal.encryptMessage({ jid: to.jid, data: Buffer.from(text) })
  await from.line.durable()
  return sealed
}

async function decrypt(by: Party, from: Party, message: Sealed): Promise<string> {
  return Buffer.from(await by.repository.signal.decryptMessage({ jid: from.jid, ...message })).toString()
}

async function say(from: Party, to: Party, text: string): Promise<void> {
  expect(await decrypt(to, from, await encrypt(from, to, text))).toBe(text)
}

/** `from` takes keys of `to`, as after a question to WhatsApp. */
async function meet(from: Party, to: Party, oneTime = true): Promise<void> {
  await from.repository.signal.injectE2ESession({ jid: to.jid, session: await to.bundle(oneTime) })
}

function sessionOf(party: Party, other: Party): Uint8Array | undefined {
  return party.store.records.get(`session ${party.repository.signal.jidToSignalProtocolAddress(other.jid)}`)
}

let ann: Party
let bob: Party

beforeEach(() => {
  ann = createParty("111@lid")
  bob = createParty("222@lid")
})

describe("a session", () => {
  test.each([true, false])(
    "begins with the other's published keys (one-time key: %s) and goes both ways",
    async (oneTime) => {
      await meet(ann, bob, oneTime)
      expect((await encrypt(ann, bob, "lost on the way")).type).toBe("pkmsg")
      await say(ann, bob, "hello")
      await say(bob, ann, "hello yourself")
      expect((await encrypt(ann, bob, "again")).type).toBe("msg")
    },
  )

  test("uses up the one-time key in the commit that keeps the session", async () => {
    await meet(ann, bob)
    const message = await encrypt(ann, bob, "first")
    const keys = () => [...bob.store.records.keys()].filter((key) => key.startsWith(PRE_KEY)).length
    expect(keys()).toBe(1)
    const before = bob.store.saves
    await decrypt(bob, ann, message)
    expect(keys()).toBe(0)
    expect(bob.store.saves).toBe(before + 1)
  })

  test("refuses keys whose signature is not of their identity", async () => {
    const forged = await bob.bundle()
    const { signedPreKey } = forged
    const session = { ...forged, signedPreKey: { ...signedPreKey, signature: new Uint8Array(64).fill(7) } }
    await expect(ann.repository.signal.injectE2ESession({ jid: bob.jid, session })).rejects.toThrow("invalid signature")
    expect(sessionOf(ann, bob)).toBeUndefined()
  })

  test("has its step staged when a ciphertext is handed on, and written without being asked", async () => {
    await meet(ann, bob)
    await say(ann, bob, "one")
    const before = sessionOf(ann, bob)
    ann.store.hang()
    await ann.repository.signal.encryptMessage({ jid: bob.jid, data: Buffer.from("two") })
    expect(ann.line.dirty()).toBe(true)
    expect(sessionOf(ann, bob)).toEqual(before)
    ann.store.release()
    await vi.waitUntil(() => !ann.line.dirty())
    expect(sessionOf(ann, bob)).not.toEqual(before)
  })

  test("goes on after a restart, and never uses a key twice", async () => {
    await meet(ann, bob)
    await say(ann, bob, "one")
    await say(bob, ann, "two")
    const again = ann.restarted()
    await say(again, bob, "three")
    await say(bob, again, "four")
  })

  test("is found by a first message made with the signed key before the last rotation", async () => {
    await meet(ann, bob)
    const message = await encrypt(ann, bob, "with the old key")
    const rotated = bob.restarted()
    expect(await decrypt(rotated, ann, message)).toBe("with the old key")
  })

  test("says of a repeated message that it was used already, of an unknown sender that there is no session", async () => {
    await meet(ann, bob)
    const message = await encrypt(ann, bob, "once")
    await decrypt(bob, ann, message)
    await expect(decrypt(bob, ann, message)).rejects.toThrow("Key used already or never filled")
    await say(bob, ann, "answer")
    const later = await encrypt(ann, bob, "twice")
    await decrypt(bob, ann, later)
    await expect(decrypt(bob, ann, later)).rejects.toThrow("Key used already or never filled")
    const stranger = createParty("333@lid")
    await expect(decrypt(stranger, ann, later)).rejects.toThrow("No session record")
  })
})

describe("two sessions with one device", () => {
  /** Both begin at once: each makes a session of its own and reads the other's first message. */
  async function cross(): Promise<void> {
    await meet(ann, bob)
    await meet(bob, ann)
    const [fromAnn, fromBob] = [await encrypt(ann, bob, "ann's first"), await encrypt(bob, ann, "bob's first")]
    expect(await decrypt(bob, ann, fromAnn)).toBe("ann's first")
    expect(await decrypt(ann, bob, fromBob)).toBe("bob's first")
  }

  test("both stay sound when late messages of either arrive: none is spoilt by being tried in vain", async () => {
    await meet(ann, bob)
    const early = await encrypt(ann, bob, "made in the first session")
    const earlier = await encrypt(ann, bob, "made before that in the first session")
    await decrypt(bob, ann, earlier)
    await meet(ann, bob)
    await say(ann, bob, "in the second session")
    await say(bob, ann, "answered in the second")
    const record = sessionOf(bob, ann)
    expect(record && splitRecord(record.subarray(1)).previous.length).toBe(1)
    // The late one is tried on the current session first, in vain.
    expect(await decrypt(bob, ann, early)).toBe("made in the first session")
    for (const text of ["and", "it", "goes", "on"]) {
      await say(ann, bob, text)
      await say(bob, ann, text)
    }
  })

  test("that crossed settle on one, without a loss", async () => {
    await cross()
    for (const text of ["a", "b", "c", "d"]) {
      await say(ann, bob, text)
      await say(bob, ann, text)
    }
  })

  test("leave nothing behind when no session can read a message", async () => {
    await cross()
    const before = sessionOf(bob, ann)
    const broken = await encrypt(ann, bob, "spoilt on the way")
    broken.ciphertext[broken.ciphertext.length - 10] = (broken.ciphertext.at(-10) ?? 0) ^ 1
    await expect(decrypt(bob, ann, broken)).rejects.toThrow()
    expect(sessionOf(bob, ann)).toEqual(before)
  })
})

describe("a repeated first message", () => {
  test("belongs to the session it made, not to a new one", async () => {
    await meet(ann, bob)
    const [one, two] = [await encrypt(ann, bob, "one"), await encrypt(ann, bob, "two")]
    expect([one.type, two.type]).toEqual(["pkmsg", "pkmsg"])
    await decrypt(bob, ann, one)
    expect(await decrypt(bob, ann, two)).toBe("two")
    const record = sessionOf(bob, ann)
    expect(record && splitRecord(record.subarray(1)).previous).toEqual([])
  })
})

describe("steps that overlap", () => {
  /** A hundred messages each way, all at once, over a slow store; gives what could not be read. */
  async function talkAtOnce(lock?: () => Lock): Promise<number> {
    const make = (jid: string) => createParty(jid, lock ? { lock: lock() } : {})
    ;[ann, bob] = [make("111@lid"), make("222@lid")]
    await meet(ann, bob)
    await say(ann, bob, "hello")
    await say(bob, ann, "hello")
    ann.store.latencyMs = bob.store.latencyMs = 5
    const reading = new Map([ann, bob].map((party) => [party, createLock()]))
    let unread = 0
    const pass = async (from: Party, to: Party, text: string): Promise<void> => {
      const message = await encrypt(from, to, text)
      // The library hands messages to the repository one after the other.
      await reading
        .get(to)?.(() => decrypt(to, from, message))
        .catch(() => unread++)
    }
    await Promise.all(
      Array.from({ length: 50 }, async (_, index) => {
        await realClock.sleep(index % 10)
        const texts = [`first of ${index}`, `second of ${index}`]
        await Promise.all(texts.flatMap((text) => [pass(ann, bob, text), pass(bob, ann, text)]))
      }),
    )
    return unread
  }

  test("take turns: everything is readable", async () => {
    expect(await talkAtOnce()).toBe(0)
  })

  test("without the lock are lost", async () => {
    expect(await talkAtOnce(() => (task) => task())).toBeGreaterThan(0)
  })
})

describe("what was decrypted", () => {
  test("is kept before its ratchet is: a process that dies in between reads it again", async () => {
    let die = false
    bob = createParty("222@lid", { beforeKept: async () => (die ? new Promise<void>(() => undefined) : undefined) })
    await meet(ann, bob)
    await say(ann, bob, "first")
    const message = await encrypt(ann, bob, "delivered twice")
    die = true
    void decrypt(bob, ann, message)
    await realClock.sleep(20)
    die = false
    expect(await decrypt(bob.restarted(), ann, message)).toBe("delivered twice")
  })
})

describe("a number that turns out to be a LID", () => {
  test("takes its session along, behind one that is there already", async () => {
    const phone = "491701@s.whatsapp.net"
    const annByPhone: Party = { ...ann, jid: phone }
    await meet(bob, ann)
    await say(bob, ann, "to the LID")
    await say(ann, bob, "from the LID")
    await ann.repository.signal.injectE2ESession({ jid: bob.jid, session: await bob.bundle() })
    const byPhone = await encrypt(ann, bob, "from the number")
    expect(await decrypt(bob, annByPhone, byPhone)).toBe("from the number")
    const late = await encrypt(ann, bob, "late, from the number")

    const { lidMapping, migrateSession } = bob.repository.signal
    await lidMapping.storeLIDPNMappings([{ lid: ann.jid, pn: phone }])
    expect(await migrateSession(phone, ann.jid)).toEqual({ migrated: 1, skipped: 0, total: 1 })
    expect(sessionOf(bob, annByPhone)).toBeUndefined()
    // Either name leads to the one record.
    expect(await decrypt(bob, annByPhone, late)).toBe("late, from the number")
    await say(bob, ann, "goes on")
    await say(ann, bob, "goes on")
    expect(await migrateSession(phone, ann.jid)).toMatchObject({ migrated: 0 })
  })

  test("is forgotten under both names", async () => {
    const phone = "491701@s.whatsapp.net"
    await meet(bob, ann)
    await bob.repository.signal.lidMapping.storeLIDPNMappings([{ lid: ann.jid, pn: phone }])
    expect((await bob.repository.signal.validateSession(phone)).exists).toBe(true)
    await bob.repository.forget([bob.repository.signal.jidToSignalProtocolAddress(phone)])
    expect((await bob.repository.signal.validateSession(ann.jid)).exists).toBe(false)
  })
})

describe("sender keys", () => {
  const group = "1203@g.us"

  async function groupSay(from: Party, to: Party, text: string): Promise<string> {
    const sealed = await from.repository.signal.encryptGroupMessage({ group, meId: from.jid, data: Buffer.from(text) })
    const item = { groupId: group, axolotlSenderKeyDistributionMessage: sealed.senderKeyDistributionMessage }
    if (!(await to.repository.signal.hasSenderKey({ group, meId: from.jid }))) {
      await to.repository.signal.processSenderKeyDistributionMessage({ authorJid: from.jid, item })
    }
    const read = to.repository.signal.decryptGroupMessage({ group, authorJid: from.jid, msg: sealed.ciphertext })
    return Buffer.from(await read).toString()
  }

  test("carry a group's messages, over a restart as well", async () => {
    expect(await groupSay(ann, bob, "one")).toBe("one")
    expect(await groupSay(ann.restarted(), bob, "two")).toBe("two")
    expect(bob.journal.map(({ plaintext }) => plaintext)).toEqual(["one", "two"])
  })

  test("say of a repeat that it was used, and of a missing key that there is none", async () => {
    const sealed = await ann.repository.signal.encryptGroupMessage({ group, meId: ann.jid, data: Buffer.from("x") })
    const read = () => bob.repository.signal.decryptGroupMessage({ group, authorJid: ann.jid, msg: sealed.ciphertext })
    await expect(read()).rejects.toThrow("No session found to decrypt message")
    const item = { groupId: group, axolotlSenderKeyDistributionMessage: sealed.senderKeyDistributionMessage }
    await bob.repository.signal.processSenderKeyDistributionMessage({ authorJid: ann.jid, item })
    await read()
    await expect(read()).rejects.toThrow("Key used already or never filled")
  })
})

describe("a stored record", () => {
  test.each([
    ["an unknown format", Uint8Array.of(7, 10, 1, 0)],
    ["a cut-off record", Uint8Array.of(1, 10, 99, 0)],
  ])("with %s is damaged, not absent", async (_what, bytes) => {
    await meet(bob, ann)
    const id = bob.repository.signal.jidToSignalProtocolAddress(ann.jid)
    bob.store.records.set(`session ${id}`, bytes)
    const again = bob.restarted()
    // Never settles: an answer would be handed to WhatsApp as a verdict on the message.
    const stuck = encrypt(again, ann, "x").then(
      () => "settled",
      () => "settled",
    )
    expect(await Promise.race([stuck, realClock.sleep(100)])).toBeUndefined()
    expect(again.hopeless[0]).toMatchObject({ code: "CREDENTIALS_DAMAGED" })
    expect(again.store.records.get(`session ${id}`)).toEqual(bytes)
  })
})
