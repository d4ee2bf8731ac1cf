import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { createEndurance } from "../../../adapters/provider/baileys/endurance.ts"
import { readCredentials } from "../../../adapters/provider/baileys/creds.ts"
import { importAuth } from "../../../adapters/provider/baileys/import/index.ts"
import { createLineStore } from "../../../adapters/provider/baileys/line-store.ts"
import { createLidMapping } from "../../../adapters/provider/baileys/signal/lid-mapping.ts"
import { createLock } from "../../../adapters/provider/baileys/signal/lock.ts"
import { createOwnKeys } from "../../../adapters/provider/baileys/signal/own-keys.ts"
import { createRepository, type SignalRepository } from "../../../adapters/provider/baileys/signal/repository.ts"
import { createTestLog } from "../../support/log.ts"
import { createTestStore, realClock } from "../support.ts"
import { bundleOf, finishPairing, type OldProgram, openOldProgram, signalOf } from "./folder.ts"

interface Sealed {
  readonly type: "pkmsg" | "msg"
  readonly ciphertext: Uint8Array
}

type Speaker = Pick<SignalRepository, "encryptMessage" | "decryptMessage">

const ANN = "4915112340001@s.whatsapp.net"
const BOB = "4915112340002@s.whatsapp.net"
const GROUP = "120363000000000001@g.us"
const OLD_GROUP = "4915112340001-1612345678@g.us"

let ann: OldProgram
let bob: OldProgram

beforeEach(async () => {
  ann = await openOldProgram()
  bob = await openOldProgram()
  await finishPairing(ann, "4915112340001:7@s.whatsapp.net")
})

afterEach(async () => {
  await ann.remove()
  await bob.remove()
})

const seal = (by: Speaker, to: string, text: string): Promise<Sealed> =>
  by.encryptMessage({ jid: to, data: Buffer.from(text) })

const read = async (by: Speaker, from: string, sealed: Sealed): Promise<string> =>
  Buffer.from(await by.decryptMessage({ jid: from, ...sealed })).toString()

/** Ann's folder, taken over by the line's own Signal half. */
async function takeOver(program: OldProgram = ann): Promise<SignalRepository> {
  const { auth, problems } = await importAuth(await program.files())
  expect(problems).toEqual([])
  const store = createTestStore()
  await store.save(auth)
  const creds = await readCredentials(store)
  if (creds === undefined) throw new Error("no credentials were imported")
  const endurance = createEndurance({
    clock: realClock,
    log: createTestLog(),
    limitMs: 10_000,
    onExhausted: () => undefined,
    onHopeless: (error) => endurance.end(error),
  })
  const line = createLineStore(store, endurance)
  const { signal } = createRepository({
    store: line,
    endurance,
    lock: createLock(),
    own: createOwnKeys(creds, line),
    lids: createLidMapping({ store: line, ask: undefined, onNew: () => undefined }),
    journal: async () => undefined,
    onIdentityChange: () => undefined,
  })
  return signal
}

describe("sessions of the JavaScript libsignal go on in ours", () => {
  test("one that has gone to and fro, in both directions and over many turns", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    await annOld.injectE2ESession({ jid: BOB, session: await bundleOf(bob, 1) })
    for (const turn of [1, 2, 3]) {
      expect(await read(bobOld, ANN, await seal(annOld, BOB, `out ${turn}`))).toBe(`out ${turn}`)
      expect(await read(annOld, BOB, await seal(bobOld, ANN, `back ${turn}`))).toBe(`back ${turn}`)
    }
    const annNew = await takeOver()
    for (const turn of [4, 5, 6]) {
      expect(await read(annNew, BOB, await seal(bobOld, ANN, `first ${turn}`))).toBe(`first ${turn}`)
      expect(await read(bobOld, ANN, await seal(annNew, BOB, `out ${turn}`))).toBe(`out ${turn}`)
      expect(await read(bobOld, ANN, await seal(annNew, BOB, `again ${turn}`))).toBe(`again ${turn}`)
      expect(await read(annNew, BOB, await seal(bobOld, ANN, `back ${turn}`))).toBe(`back ${turn}`)
    }
  })

  test("one that we began and nobody has answered: it still says with which pre-key", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    await annOld.injectE2ESession({ jid: BOB, session: await bundleOf(bob, 1) })
    await seal(annOld, BOB, "never arrived")
    const annNew = await takeOver()
    const sealed = await seal(annNew, BOB, "hello")
    expect(sealed.type).toBe("pkmsg")
    expect(await read(bobOld, ANN, sealed)).toBe("hello")
    expect(await read(annNew, BOB, await seal(bobOld, ANN, "well?"))).toBe("well?")
    expect((await seal(annNew, BOB, "fine")).type).toBe("msg")
  })

  test("one that the other side began", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    await bobOld.injectE2ESession({ jid: ANN, session: await bundleOf(ann, 1) })
    expect(await read(annOld, BOB, await seal(bobOld, ANN, "one"))).toBe("one")
    const annNew = await takeOver()
    expect(await read(annNew, BOB, await seal(bobOld, ANN, "two"))).toBe("two")
    expect(await read(bobOld, ANN, await seal(annNew, BOB, "three"))).toBe("three")
    expect(await read(annNew, BOB, await seal(bobOld, ANN, "four"))).toBe("four")
  })

  test("messages that were overtaken before are read afterwards, each once", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    await annOld.injectE2ESession({ jid: BOB, session: await bundleOf(bob, 1) })
    await read(bobOld, ANN, await seal(annOld, BOB, "hello"))
    await read(annOld, BOB, await seal(bobOld, ANN, "hello"))
    const late = [await seal(bobOld, ANN, "late 1"), await seal(bobOld, ANN, "late 2")]
    await read(annOld, BOB, await seal(bobOld, ANN, "in time"))
    // Another turn: the chain of those that are late is closed.
    await read(bobOld, ANN, await seal(annOld, BOB, "answer"))
    await read(annOld, BOB, await seal(bobOld, ANN, "new chain"))
    const annNew = await takeOver()
    const [first, second] = late as [Sealed, Sealed]
    expect(await read(annNew, BOB, second)).toBe("late 2")
    expect(await read(annNew, BOB, first)).toBe("late 1")
    await expect(read(annNew, BOB, first)).rejects.toThrow()
    expect(await read(annNew, BOB, await seal(bobOld, ANN, "goes on"))).toBe("goes on")
    expect(await read(bobOld, ANN, await seal(annNew, BOB, "both ways"))).toBe("both ways")
  })

  test("sessions that were closed are still read behind the one that is open", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    await annOld.injectE2ESession({ jid: BOB, session: await bundleOf(bob, 1) })
    await read(bobOld, ANN, await seal(annOld, BOB, "hello"))
    await read(annOld, BOB, await seal(bobOld, ANN, "hello"))
    const late = await seal(bobOld, ANN, "on the old session")
    await annOld.injectE2ESession({ jid: BOB, session: await bundleOf(bob, 2) })
    await read(bobOld, ANN, await seal(annOld, BOB, "anew"))
    await read(annOld, BOB, await seal(bobOld, ANN, "anew"))
    const annNew = await takeOver()
    expect(await read(annNew, BOB, late)).toBe("on the old session")
    expect(await read(annNew, BOB, await seal(bobOld, ANN, "on the new one"))).toBe("on the new one")
  })

  test("a first message to a pre-key from the folder is read", async () => {
    const bobOld = signalOf(bob)
    await bobOld.injectE2ESession({ jid: ANN, session: await bundleOf(ann, 2) })
    const sealed = await seal(bobOld, ANN, "with one of your pre-keys")
    expect(await read(await takeOver(), BOB, sealed)).toBe("with one of your pre-keys")
  })
})

describe.each([GROUP, OLD_GROUP])("sender keys of Baileys go on in ours, in the group %s", (group) => {
  test("our own, with which the others read what we write", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    const me = "4915112340001:7@s.whatsapp.net"
    const before = await annOld.encryptGroupMessage({ group, meId: me, data: Buffer.from("before") })
    const item = { groupId: group, axolotlSenderKeyDistributionMessage: before.senderKeyDistributionMessage }
    await bobOld.processSenderKeyDistributionMessage({ authorJid: me, item })
    const readGroup = async (msg: Uint8Array): Promise<string> =>
      Buffer.from(await bobOld.decryptGroupMessage({ group, authorJid: me, msg })).toString()
    expect(await readGroup(before.ciphertext)).toBe("before")
    const annNew = await takeOver()
    for (const text of ["after", "and again"]) {
      const { ciphertext } = await annNew.encryptGroupMessage({ group, meId: me, data: Buffer.from(text) })
      expect(await readGroup(ciphertext)).toBe(text)
    }
  })

  test("another member's, whose messages overtook each other, and who has changed the key once", async () => {
    const [annOld, bobOld] = [signalOf(ann), signalOf(bob)]
    const write = async (text: string): Promise<Uint8Array> => {
      const sealed = await bobOld.encryptGroupMessage({ group, meId: BOB, data: Buffer.from(text) })
      const item = { groupId: group, axolotlSenderKeyDistributionMessage: sealed.senderKeyDistributionMessage }
      await annOld.processSenderKeyDistributionMessage({ authorJid: BOB, item })
      return sealed.ciphertext
    }
    const readBy = async (by: Pick<SignalRepository, "decryptGroupMessage">, msg: Uint8Array): Promise<string> =>
      Buffer.from(await by.decryptGroupMessage({ group, authorJid: BOB, msg })).toString()
    await readBy(annOld, await write("one"))
    const { ciphertext: late } = await bobOld.encryptGroupMessage({ group, meId: BOB, data: Buffer.from("late") })
    const { ciphertext: later } = await bobOld.encryptGroupMessage({ group, meId: BOB, data: Buffer.from("later") })
    await readBy(annOld, later)
    await bob.state.keys.set({ "sender-key": { [`${group}::4915112340002::0`]: null } })
    await readBy(annOld, await write("with a new key"))
    const annNew = await takeOver()
    expect(await readBy(annNew, late)).toBe("late")
    const { ciphertext: next } = await bobOld.encryptGroupMessage({ group, meId: BOB, data: Buffer.from("next") })
    expect(await readBy(annNew, next)).toBe("next")
  })
})
