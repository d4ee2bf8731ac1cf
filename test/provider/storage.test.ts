import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { createTestLine, newId, realClock, type TestLine } from "./support.ts"

let sandbox: Sandbox
let company: SandboxPhone
let line: TestLine
let nextNumber = 15556000

beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())
beforeEach(async () => {
  company = await sandbox.phone(String(nextNumber++))
  line = createTestLine({ sandbox, company: company.number })
  await line.link(company)
  return async () => line.close()
}, 20_000)

function newPhone(): Promise<SandboxPhone> {
  return sandbox.phone(String(nextNumber++))
}

describe("a store that fails", () => {
  test("for ten seconds loses nothing either way", async () => {
    const ann = await newPhone()
    await line.send(ann.number, "before")
    await ann.send(company.number, "before too")
    await line.until("the first text", () => line.texts().includes("before too"))

    line.store.failing = true
    const outcomes = Array.from({ length: 10 }, (_, index) => line.send(ann.number, `during ${index}`))
    const theirs: string[] = []
    for (let index = 0; index < 10; index++) theirs.push((await ann.send(company.number, `meanwhile ${index}`)).id)
    await realClock.sleep(10_000)
    expect(await ann.messages({ contains: "during" })).toEqual([])
    // The company's phone has them, its line has confirmed none.
    const confirmed = await Promise.all(theirs.map(async (id) => (await ann.sent(id)).delivered))
    expect(new Set(confirmed.flat())).toEqual(new Set([company.number]))
    line.store.failing = false

    expect((await Promise.all(outcomes)).every(({ outcome }) => outcome === "acknowledged")).toBe(true)
    await ann.waitForCount(10, { contains: "during" })
    await line.until("all of them", () => line.texts().length === 11)
    expect((await ann.view()).counts.undecryptable).toBe(0)
    const closes = line.events.flatMap((event) => (event.type === "close" ? [event.reason] : []))
    expect(closes).toEqual(["restart-required"])
  }, 30_000)

  test("while a message is being kept does not acknowledge it before it is", async () => {
    const ann = await newPhone()
    const { intake } = line
    let broken = true
    line.intake = {
      ...intake,
      async message(message) {
        if (broken) throw new Error("the database is away")
        await intake.message(message)
      },
    }
    const { id } = await ann.send(company.number, "keep me")
    await realClock.sleep(1000)
    // The company's phone has it.
    expect((await ann.sent(id)).delivered).toEqual([company.number])
    broken = false
    await line.until("the text", () => line.texts().includes("keep me"))
    const by = `${company.number}:1`
    expect((await ann.sent(id, { status: "delivered", ms: 5000, by })).delivered).toContain(by)
  })

  test("while a receipt is being kept does not acknowledge it before it is", async () => {
    const ann = await newPhone()
    const { intake } = line
    let calls = 0
    line.intake = {
      ...intake,
      async receipt(update) {
        calls++
        if (calls < 3) throw new Error("the database is away")
        await intake.receipt(update)
      },
    }
    const id = newId()
    await line.send(ann.number, "delivered to you", id)
    await line.until("the receipt", () => line.receipts.some(({ wireIds }) => wireIds.includes(id)))
    expect(calls).toBe(3)
  })

  test("by hanging holds its own line only, even with one contact in common", async () => {
    const other = await sandbox.phone(String(nextNumber++))
    const second = createTestLine({ sandbox, company: other.number, provider: line.provider })
    await second.link(other)
    const ann = await newPhone()
    for (const { send } of [line, second]) await send(ann.number, "hello")

    line.store.hang()
    const held = line.send(ann.number, "held")
    const { id: waiting } = await ann.send(company.number, "to the held line")
    await ann.send(other.number, "to the free line")
    await second.until("its text", () => second.texts().includes("to the free line"))
    expect(await second.send(ann.number, "still here")).toMatchObject({ outcome: "acknowledged" })
    expect(await ann.messages({ text: "held" })).toEqual([])
    expect((await ann.sent(waiting)).delivered).toEqual([company.number])

    line.store.release()
    expect(await held).toMatchObject({ outcome: "acknowledged" })
    await line.until("what waited", () => line.texts().includes("to the held line"))
    await second.close()
  })
})

describe("a process that dies", () => {
  test("goes on from its store without a new QR code, and every ratchet still fits", async () => {
    const ann = await newPhone()
    await line.send(ann.number, "before")
    await ann.send(company.number, "before too")
    await line.until("the text", () => line.texts().includes("before too"))
    // What a kill leaves: the store as it is, no close.
    const left = line.store.copy()
    await sandbox.line(company.number).cut()
    const again = createTestLine({ sandbox, company: company.number, store: left })
    expect(await again.provider.linked(left)).toBe(true)
    await again.connect()
    await again.event("open")
    expect(again.events.some(({ type }) => type === "qr")).toBe(false)
    expect(await again.send(ann.number, "after")).toMatchObject({ outcome: "acknowledged" })
    await ann.waitFor({ text: "after" })
    await ann.send(company.number, "after too")
    await again.until("the text", () => again.texts().includes("after too"))
    expect((await ann.view()).counts).toMatchObject({ undecryptable: 0, retriesAsked: 0, retriesAnswered: 0 })
    await again.close()
  })

  test("between keeping a message and acknowledging it gets that message again", async () => {
    const ann = await newPhone()
    const kept = new Promise<string>((resolve) => {
      line.intake = {
        ...line.intake,
        async message({ wireId }) {
          resolve(wireId)
          // The process ends here: nothing after this is written or answered.
          await new Promise<never>(() => undefined)
        },
      }
    })
    const { id } = await ann.send(company.number, "at the worst moment")
    expect(await kept).toBe(id)
    const left = line.store.copy()
    await sandbox.line(company.number).cut()
    const again = createTestLine({ sandbox, company: company.number, store: left })
    await again.connect()
    const got = await again.until("it again", () => again.messages.find(({ wireId }) => wireId === id))
    expect(got).toMatchObject({ content: { text: "at the worst moment" }, offline: true })
    await again.close()
  })

  test("can still send again what a contact could not read", async () => {
    const ann = await newPhone()
    await line.send(ann.number, "first")
    await ann.waitFor({ text: "first" })
    const { sent, store } = line
    await line.close()
    const again = createTestLine({ sandbox, company: company.number, store: store.copy() })
    for (const [id, wire] of sent) again.sent.set(id, wire)
    await again.connect()
    await again.event("open")
    await ann.forgetSessions()
    const id = newId()
    await again.send(ann.number, "unreadable at first", id)
    await ann.waitFor({ id, text: "unreadable at first" })
    await again.close()
  })
})

describe("stored credentials", () => {
  test("that are damaged are told as such, never taken for absent", async () => {
    await line.close()
    for (const bytes of [Uint8Array.of(9, 1, 2), Uint8Array.of(2, 123), Uint8Array.of(2, 123, 125)]) {
      line.store.records.set("creds main", bytes)
      await expect(line.provider.linked(line.store)).rejects.toMatchObject({ code: "CREDENTIALS_DAMAGED" })
      line.events.length = 0
      await line.connect()
      expect(await line.event("close")).toMatchObject({ reason: "credentials-damaged" })
      expect(line.store.records.get("creds main")).toEqual(bytes)
    }
  })

  test("cannot be read while the store fails: an error, not an absence", async () => {
    line.store.failing = true
    await expect(line.provider.linked(line.store)).rejects.toMatchObject({ code: "STORAGE_UNAVAILABLE" })
    line.store.failing = false
  })

  test("hold neither a pairing code nor anybody to log in as before the pairing is finished", async () => {
    const fresh = createTestLine({ sandbox, company: "fresh" })
    await fresh.connect({ method: "pairing-code", phone: company.number })
    const { code } = await fresh.event("pairing-code")
    const stored = Buffer.from(fresh.store.records.get("creds main") ?? []).toString()
    expect(stored).not.toContain(code.replace("-", ""))
    expect(stored).not.toContain(company.number)
    expect(await fresh.provider.linked(fresh.store)).toBe(false)
    await fresh.close()
  })
})
