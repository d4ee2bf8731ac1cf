import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { startSandbox, type Sandbox } from "../sandbox/index.ts"
import { createTestLine, type TestLine, toPerson } from "./support.ts"

let sandbox: Sandbox
let line: TestLine
const own = "15570000001"

beforeAll(async () => {
  sandbox = await startSandbox()
  line = createTestLine({ sandbox, company: own })
  await line.link(await sandbox.phone(own))
})
afterAll(async () => {
  await line.close()
  await sandbox.stop()
})

const { lookup, presence } = {
  lookup: (phone: string, ms = 5_000) => line.connection.lookup?.(phone, ms),
  presence: (...input: Parameters<NonNullable<TestLine["connection"]["presence"]>>) =>
    line.connection.presence?.(...input),
}

/** What the sandbox has seen of the line. */
const view = () => sandbox.line(own).view()
const SOON = { timeout: 5_000, interval: 20 }

describe("a look-up", () => {
  test("tells the address and the LID of a phone that is on WhatsApp", async () => {
    const ann = await sandbox.phone("15570000002")
    const { lid } = await ann.view()
    expect(await lookup(ann.number)).toEqual({
      address: `${ann.number}@s.whatsapp.net`,
      lid: lid.replace(/@.*/, ""),
    })
  })

  test("tells that a phone is not there, and asks again when it is asked again", async () => {
    expect(await lookup("15570000003")).toBeUndefined()
    await sandbox.phone("15570000003")
    expect(await lookup("15570000003")).toMatchObject({ address: "15570000003@s.whatsapp.net" })
  })

  test("that WhatsApp does not answer ends with its deadline", async () => {
    await sandbox.fault({ kind: "hang-iq", line: own, xmlns: "usync", count: 1 })
    const begun = performance.now()
    await expect(lookup("15570000004", 200)).rejects.toThrow("did not answer")
    expect(performance.now() - begun).toBeLessThan(2_000)
    // The question that hangs holds up nothing else.
    await sandbox.phone("15570000004")
    expect(await line.send("15570000004", "after all")).toMatchObject({ outcome: "acknowledged" })
  })
})

describe("presence", () => {
  test("shows the account as online and away", async () => {
    for (const state of ["available", "unavailable"] as const) {
      await presence({ state }, 5_000)
      await expect.poll(view, SOON).toMatchObject({ presence: state })
    }
  })

  test("shows what the account does in a chat", async () => {
    const ann = await sandbox.phone("15570000005")
    const { lid } = await ann.view()
    for (const state of ["composing", "recording", "paused"] as const) {
      await presence({ state, to: toPerson(ann.number) }, 5_000)
      await expect.poll(view, SOON).toMatchObject({ chatState: `${state} ${ann.number}@s.whatsapp.net` })
    }
    const bare = lid.replace(/@.*/, "")
    await presence({ state: "composing", to: { kind: "person", phone: null, lid: bare } }, 5_000)
    await expect.poll(view, SOON).toMatchObject({ chatState: `composing ${bare}@lid` })
    await presence({ state: "paused", to: { kind: "group", group: "120363000000000001@g.us" } }, 5_000)
    await expect.poll(view, SOON).toMatchObject({ chatState: "paused 120363000000000001@g.us" })
  })

  test("to somebody who is not on WhatsApp is refused", async () => {
    const asked = presence({ state: "composing", to: toPerson("15570000006") }, 5_000)
    await expect(asked).rejects.toMatchObject({ code: "NOT_ON_WHATSAPP" })
  })
})

test("a line that is not connected is asked for nothing", async () => {
  const other = createTestLine({ sandbox, company: "other" })
  await other.connect()
  await other.event("qr")
  await expect(other.connection.lookup?.("15570000002", 1_000)).rejects.toThrow("not connected")
  await expect(other.connection.presence?.({ state: "available" }, 1_000)).rejects.toThrow("not connected")
  await other.close()
  await expect(other.connection.lookup?.("15570000002", 1_000)).rejects.toThrow()
})
