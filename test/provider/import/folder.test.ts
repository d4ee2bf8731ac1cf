import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { importAuth } from "../../../adapters/provider/baileys/import/index.ts"
import { readName } from "../../../adapters/provider/baileys/import/files.ts"
import { loadBaileys, trustRoot } from "../../../adapters/provider/baileys/load-baileys.ts"
import { startSandbox, type Sandbox } from "../../sandbox/index.ts"
import { createTestLine, createTestStore } from "../support.ts"
import { connect, finishPairing, type OldProgram, openOldProgram } from "./folder.ts"

let program: OldProgram

beforeEach(async () => {
  program = await openOldProgram()
})

afterEach(() => program.remove())

describe("a folder that Baileys has kept, over WhatsApp", () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await startSandbox()
    trustRoot(await loadBaileys(), sandbox.rootKey)
  })
  afterAll(() => sandbox.stop())

  test("becomes a line that is linked: no QR code, and texts go both ways on the sessions there were", async () => {
    const owner = await sandbox.phone("4915112347001")
    const [friend, late, stranger] = await Promise.all(
      ["4915112347002", "4915112347003", "4915112347004"].map((number) => sandbox.phone(number)),
    )
    if (friend === undefined || late === undefined || stranger === undefined) throw new Error("phones are missing")
    const old = connect(program, sandbox.url)
    await owner.link(await old.qr)
    await old.open
    await old.send(friend.number, "from the old program")
    await friend.waitFor({ text: "from the old program" })
    await friend.send(owner.number, "to the old program")
    await late.send(owner.number, "somebody new")
    await expect.poll(() => old.texts, { timeout: 10_000 }).toContain("to the old program")
    await expect.poll(() => old.texts, { timeout: 10_000 }).toContain("somebody new")
    await old.end()
    const retriesBefore = (await sandbox.line(owner.number).view()).retriesAsked
    await late.send(owner.number, "while nobody was there")

    const { auth, facts, problems } = await importAuth(await program.files())
    expect(problems).toEqual([])
    expect(facts).toMatchObject({ user: { phone: owner.number }, device: 1 })
    const store = createTestStore()
    await store.save(auth)
    const line = createTestLine({ sandbox, store })
    expect(await line.provider.linked(store)).toBe(true)
    await line.connect()
    await line.event("open")
    await line.until("what was waiting", () => line.texts().includes("while nobody was there"))
    expect((await line.send(friend.number, "from the new one")).outcome).toBe("acknowledged")
    const received = await friend.waitFor({ text: "from the new one" })
    const answer = await friend.send(owner.number, "to the new one")
    await line.until("an answer", () => line.texts().includes("to the new one"))
    expect((await line.send(stranger.number, "nice to meet you")).outcome).toBe("acknowledged")
    await stranger.waitFor({ text: "nice to meet you" })
    expect(line.events.filter(({ type }) => type === "qr")).toEqual([])
    const { devices } = await sandbox.line(owner.number).view()
    expect(devices.map(({ id }) => id)).toEqual([1])
    // Read on the sessions there were: nobody had to ask for anything again.
    expect((await sandbox.line(owner.number).sent(received.id)).map(({ times }) => times)).toEqual([1])
    expect((await sandbox.line(owner.number).view()).retriesAsked).toBe(retriesBefore)
    expect((await friend.sent(answer.id)).retries).toBe(0)
    await line.close()
  }, 60_000)
})

describe("every file is accounted for", () => {
  const problemsOf = async (): Promise<readonly string[]> => {
    const { problems } = await importAuth(await program.files())
    return problems.map(({ file, message, fatal }) => `${fatal ? "fatal " : ""}${file}: ${message}`).sort()
  }
  const write = (name: string, text: string): Promise<void> => writeFile(join(program.folder, name), text)

  test("names that Baileys writes stand for the type and the id they were made of", () => {
    const names: Readonly<Record<string, readonly [string, string] | undefined>> = {
      "pre-key-12.json": ["pre-key", "12"],
      "session-4915112340002.0.json": ["session", "4915112340002.0"],
      "session-200000000000001_1.34.json": ["session", "200000000000001_1.34"],
      "sender-key-120363@g.us--4915112340002--0.json": ["sender-key", "120363@g.us::4915112340002::0"],
      "sender-key-4915-16123@g.us--200_1--12.json": ["sender-key", "4915-16123@g.us::200_1::12"],
      "sender-key-status@broadcast--200_1--0.json": ["sender-key", "status@broadcast::200_1::0"],
      "sender-key-memory-120363@g.us.json": ["sender-key-memory", "120363@g.us"],
      "sender-key-memory-4915-16123@g.us.json": ["sender-key-memory", "4915-16123@g.us"],
      "app-state-sync-key-AAAAA__+=.json": ["app-state-sync-key", "AAAAA/+="],
      "app-state-sync-version-critical_unblock_low.json": ["app-state-sync-version", "critical_unblock_low"],
      "lid-mapping-4915112340002.json": ["lid-mapping", "4915112340002"],
      "lid-mapping-200000000000001_reverse.json": ["lid-mapping", "200000000000001_reverse"],
      "device-list-4915112340002.json": ["device-list", "4915112340002"],
      "identity-key-200000000000001_1.0.json": ["identity-key", "200000000000001_1.0"],
      "tctoken-200000000000001@lid.json": ["tctoken", "200000000000001@lid"],
      "tctoken-__index.json": ["tctoken", "__index"],
      "pre-key-x.json": undefined,
      "pre-key-1.json.bak": undefined,
      "pre-key-.json": undefined,
      "session-..json": undefined,
      "__proto__.json": undefined,
      "store.json": undefined,
      ".DS_Store": undefined,
    }
    for (const [name, expected] of Object.entries(names)) {
      const { type, id } = readName(name) ?? {}
      expect(type === undefined ? undefined : [type, id], name).toEqual(expected)
    }
  })

  test("credentials that are missing, torn, of something else, or of a pairing that never ended leave nothing to import", async () => {
    expect(await problemsOf()).toEqual(["fatal creds.json: There is no such file"])
    await program.saveCreds()
    expect(await problemsOf()).toEqual(["fatal creds.json: Its pairing was never finished: there is no link in it"])
    await finishPairing(program, "4915112340001:7@s.whatsapp.net")
    const whole = new TextDecoder().decode((await program.files()).get("creds.json"))
    for (const [text, message] of [
      [whole.slice(0, -40), "It is no JSON: cut off, or damaged"],
      ["", "It is no JSON: cut off, or damaged"],
      ["null", "The stored record creds/main is damaged"],
      ['{"noiseKey":{}}', "The stored record creds/main is damaged"],
      [whole.replace('"noiseKey"', '"nose"'), "The stored record creds/main is damaged"],
    ] as const) {
      await write("creds.json", text)
      expect(await problemsOf()).toEqual([`fatal creds.json: ${message}`])
      expect((await importAuth(await program.files())).facts).toBeUndefined()
    }
  })

  test("a key that is damaged, and a file that is none, are named, and the rest is taken", async () => {
    await finishPairing(program, "4915112340001:7@s.whatsapp.net")
    await program.state.keys.set({ "lid-mapping": { "4915112340009": "200000000000009" } })
    await write(
      "pre-key-1.json",
      '{"private":{"type":"Buffer","data":"AAAA"},"public":{"type":"Buffer","data":"AAAA"}}',
    )
    await write("pre-key-2.json", "{")
    await write("session-4915112340002.0.json", '{"_sessions":{},"version":"v1"}')
    await write("session-4915112340003.0.json", '{"_sessions":{"x":{"indexInfo":{"closed":-1}}},"version":"v1"}')
    await write("sender-key-1@g.us--2--0.json", '{"type":"Buffer","data":"W10="}')
    await write("device-list-1.json", '"x"')
    await write("baileys_store.json", "{}")
    expect(await problemsOf()).toEqual([
      "baileys_store.json: Baileys writes no file of this name",
      "device-list-1.json: It is no list",
      "pre-key-1.json: The pre-key.private has 3 bytes, not 32",
      "pre-key-2.json: It is no JSON: cut off, or damaged",
      "sender-key-1@g.us--2--0.json: The record holds no state",
      "session-4915112340002.0.json: The record holds no session",
      "session-4915112340003.0.json: currentRatchet is no object",
    ])
    const { auth, facts } = await importAuth(await program.files())
    expect(facts).toBeDefined()
    expect(Object.keys(auth["lid-mapping"] ?? {})).toEqual(["4915112340009"])
  })

  test("pre-keys that are newer than the credentials move their counter on, so that no id is given out twice", async () => {
    await finishPairing(program, "4915112340001:7@s.whatsapp.net")
    await program.state.keys.set({ "pre-key": { 41: program.state.creds.noiseKey } })
    const { facts } = await importAuth(await program.files())
    expect(facts?.counters.nextPreKeyId).toBe(42)
  })
})
