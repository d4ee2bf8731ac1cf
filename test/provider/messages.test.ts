import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import type { ChatRef } from "../../core/provider.ts"
import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { createTestLine, newId, type TestLine } from "./support.ts"

let sandbox: Sandbox
let company: SandboxPhone
let line: TestLine
let nextNumber = 15553000

beforeAll(async () => {
  sandbox = await startSandbox()
  company = await sandbox.phone(String(nextNumber++), { name: "Acme" })
  line = createTestLine({ sandbox })
  await line.link(company)
}, 20_000)
afterEach(() => sandbox.clearFaults())
afterAll(async () => {
  await line.close()
  await sandbox.stop()
})

function newPhone(spec: Parameters<Sandbox["phone"]>[1] = {}): Promise<SandboxPhone> {
  return sandbox.phone(String(nextNumber++), spec)
}

function received(id: string) {
  return line.until(`message ${id}`, () => line.messages.find((message) => message.wireId === id))
}

describe("a linked line", () => {
  test("sends a text that the contact and the own phone can read, and hears of its acknowledgement", async () => {
    const ann = await newPhone({ name: "Ann" })
    const id = newId()
    expect(await line.send(ann.number, "hello ann", id)).toMatchObject({ outcome: "acknowledged" })
    expect(await ann.waitFor({ id })).toMatchObject({ text: "hello ann", from: company.number, times: 1 })
    expect(await company.waitFor({ id, own: true })).toMatchObject({ text: "hello ann" })
  })

  test("hears that a text was delivered and then read", async () => {
    const ann = await newPhone({ read: true })
    const { lid } = await ann.view()
    const id = newId()
    await line.send(ann.number, "read me", id)
    await line.until("both statuses", () => line.receipts.filter((receipt) => receipt.wireIds.includes(id)).length >= 2)
    const statuses = line.receipts.filter((receipt) => receipt.wireIds.includes(id))
    expect(statuses.map(({ status }) => status)).toEqual(["delivered", "read"])
    expect(statuses[0]?.chat).toEqual({ kind: "person", phone: ann.number, lid })
  })

  test("receives a text with both names of its sender", async () => {
    const bob = await newPhone({ name: "Bob" })
    const { lid } = await bob.view()
    const { id } = await bob.send(company.number, "hello acme")
    expect(await received(id)).toMatchObject({
      chat: { kind: "person", phone: bob.number, lid },
      sender: { phone: bob.number, lid },
      fromMe: false,
      pushName: "Bob",
      content: { type: "text", text: "hello acme" },
      offline: false,
    })
    await bob.sent(id, { status: "delivered", ms: 5000 })
    expect(line.events).toContainEqual({ type: "person", phone: bob.number, lid })
  })

  test("writes to a LID and is answered from it", async () => {
    const eve = await newPhone({ addressing: "lid", reply: "echo" })
    const { lid } = await eve.view()
    const chat: ChatRef = { kind: "person", phone: null, lid }
    expect(await line.send(chat, "to your lid")).toMatchObject({ outcome: "acknowledged" })
    await eve.waitFor({ text: "to your lid" })
    const answer = await line.until("the echo", () => line.messages.find(({ sender }) => sender.lid === lid))
    expect(answer.chat).toEqual({ kind: "person", phone: eve.number, lid })
  })

  test("tells what the own phone wrote", async () => {
    const ann = await newPhone()
    const { id } = await company.send(ann.number, "from my phone")
    // Nobody has told the LID of this contact yet.
    expect(await received(id)).toMatchObject({
      chat: { kind: "person", phone: ann.number, lid: null },
      sender: { phone: company.number },
      fromMe: true,
      content: { type: "text", text: "from my phone" },
    })
  })

  test.each(["pn", "lid"] as const)("talks in a group with %s addressing", async (addressing) => {
    const [ann, bob] = [await newPhone({ name: "Ann" }), await newPhone()]
    const members = [company.number, ann.number, bob.number]
    const group = await sandbox.group({ subject: "Team", creator: ann.number, members, addressing })
    const chat: ChatRef = { kind: "group", group: group.jid }
    for (const text of ["first", "second"]) {
      expect(await line.send(chat, `${text} ${addressing}`)).toMatchObject({ outcome: "acknowledged" })
      await Promise.all([ann, bob].map((phone) => phone.waitFor({ text: `${text} ${addressing}` })))
    }
    const { id } = await ann.send(group.jid, "hi all")
    const { lid } = await ann.view()
    expect(await received(id)).toMatchObject({
      chat,
      sender: { phone: ann.number, lid },
      content: { type: "text", text: "hi all" },
    })
  })

  test("gives the group's key again to a member that lost it", async () => {
    const [ann, bob] = [await newPhone(), await newPhone()]
    const members = [company.number, ann.number, bob.number]
    const group = await sandbox.group({ subject: "Forgetful", creator: ann.number, members })
    const chat: ChatRef = { kind: "group", group: group.jid }
    await line.send(chat, "before")
    await ann.waitFor({ text: "before" })
    await ann.forgetSessions()
    const id = newId()
    expect(await line.send(chat, "after", id)).toMatchObject({ outcome: "acknowledged" })
    await Promise.all([ann, bob].map((phone) => phone.waitFor({ id, text: "after" })))
    await line.send(chat, "and on")
    await Promise.all([ann, bob].map((phone) => phone.waitFor({ text: "and on" })))
  })

  test("sends a hundred texts at once to five new contacts, each of them once", async () => {
    const phones = await Promise.all(Array.from({ length: 5 }, () => newPhone()))
    const outcomes = await Promise.all(
      Array.from({ length: 100 }, (_, index) => line.send(phones[index % 5]?.number ?? "", `burst ${index}`)),
    )
    expect(new Set(outcomes.map(({ outcome }) => outcome))).toEqual(new Set(["acknowledged"]))
    for (const phone of phones) {
      const got = await phone.waitForCount(20, { contains: "burst" })
      expect(got.every(({ times }) => times === 1)).toBe(true)
      expect((await phone.view()).counts.undecryptable).toBe(0)
    }
  })

  test("says that a number is not on WhatsApp without sending anything", async () => {
    const nobody = await newPhone({ registered: false })
    const id = newId()
    expect(await line.send(nobody.number, "anyone?", id)).toEqual({ outcome: "not-on-whatsapp" })
    expect(await sandbox.line(company.number).sent(id)).toEqual([])
  })

  test.each([
    ["463", { kind: "new-chats", until: null }],
    ["479", undefined],
  ])("hands on WhatsApp's refusal %s", async (code, restriction) => {
    const ann = await newPhone()
    await sandbox.fault({ kind: "refuse-message", line: company.number, code: Number(code), count: 1 })
    const outcome = await line.send(ann.number, "refused")
    expect(outcome).toMatchObject({ outcome: "refused", code })
    expect("restriction" in outcome ? outcome.restriction : undefined).toEqual(restriction)
    expect(await line.send(ann.number, "accepted")).toMatchObject({ outcome: "acknowledged" })
  })

  test("asks again for what it cannot read, and receives it then", async () => {
    const ann = await newPhone()
    await ann.send(company.number, "readable")
    await line.until("the first", () => line.texts().includes("readable"))
    await sandbox.fault({ kind: "garble", line: company.number, count: 1 })
    const { id } = await ann.send(company.number, "garbled at first")
    expect(await received(id)).toMatchObject({ content: { text: "garbled at first" } })
    expect((await ann.view()).counts.retriesAnswered).toBe(1)
  })

  test("sends again what a contact cannot read any more", async () => {
    const ann = await newPhone()
    await line.send(ann.number, "one")
    await ann.waitFor({ text: "one" })
    await ann.forgetSessions()
    const id = newId()
    expect(await line.send(ann.number, "two", id)).toMatchObject({ outcome: "acknowledged" })
    expect(await ann.waitFor({ id })).toMatchObject({ text: "two" })
    expect((await ann.view()).counts.retriesAsked).toBeGreaterThan(0)
  })

  test("takes one message for one, however often WhatsApp delivers it", async () => {
    const ann = await newPhone()
    await sandbox.fault({ kind: "duplicate", line: company.number, count: 1 })
    const { id } = await ann.send(company.number, "twice")
    await received(id)
    await ann.send(company.number, "after")
    await line.until("the next one", () => line.texts().includes("after"))
    expect(line.messages.filter((message) => message.wireId === id)).toHaveLength(1)
  })

  test("proves that WhatsApp answers", async () => {
    const before = line.events.filter(({ type }) => type === "proof").length
    await line.connection.prove(5000)
    expect(line.events.filter(({ type }) => type === "proof").length).toBeGreaterThan(before)
  })
})
