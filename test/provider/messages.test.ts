import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
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

describe("a linked line", () => {
  test("sends a text that the contact and the own phone can read, and hears of its acknowledgement", async () => {
    const ann = await newPhone({ name: "Ann" })
    const id = newId()
    expect(await line.send(ann.number, "hello ann", id)).toMatchObject({ outcome: "acknowledged" })
    expect(await ann.waitFor({ id })).toMatchObject({ text: "hello ann", from: company.number, times: 1 })
    expect(await company.waitFor({ id, own: true })).toMatchObject({ text: "hello ann" })
  })

  test("receives a text with the names of its sender", async () => {
    const bob = await newPhone({ name: "Bob" })
    const { id } = await bob.send(company.number, "hello acme")
    const got = await line.until("the text", () => line.messages.find((message) => message.wireId === id))
    const { lid } = await bob.view()
    expect(got).toMatchObject({
      chat: { kind: "person", phone: bob.number, lid },
      sender: { phone: bob.number, lid },
      fromMe: false,
      pushName: "Bob",
      content: { type: "text", text: "hello acme" },
      offline: false,
    })
    await bob.sent(id, { status: "delivered", ms: 5000 })
  })
})
