import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { ChatRef } from "../../core/provider.ts"
import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { createTestLine, realClock, toPerson, type TestLine } from "./support.ts"

const MESSAGES = 100
const PACE_MS = 20

let sandbox: Sandbox
let company: SandboxPhone
let line: TestLine
let nextNumber = 15554000

beforeAll(async () => {
  sandbox = await startSandbox()
  company = await sandbox.phone(String(nextNumber++))
  line = createTestLine({ sandbox })
  await line.link(company)
}, 20_000)
afterAll(async () => {
  await line.close()
  await sandbox.stop()
})

/** Both sides write at once, each message about 20 ms after the one before; gives how many of ours were acknowledged. */
async function talkAtOnce(contact: SandboxPhone, chat: ChatRef): Promise<string[]> {
  const outcomes: Promise<string>[] = []
  const theirs: Promise<unknown>[] = []
  for (let index = 0; index < MESSAGES; index++) {
    outcomes.push(line.send(chat, `ours ${index}`).then(({ outcome }) => outcome))
    theirs.push(contact.send(company.number, `theirs ${index} of ${contact.number}`))
    await realClock.sleep(PACE_MS)
  }
  await Promise.all(theirs)
  return Promise.all(outcomes)
}

describe("sends and messages that cross", () => {
  test.each([
    ["phone numbers", "pn", 0],
    ["phone numbers", "pn", 15],
    ["LIDs", "lid", 0],
    ["LIDs", "lid", 15],
  ] as const)(
    "are all readable on both sides, addressed by %s (%s), with a store that takes up to %i ms",
    async (_words, addressing, latencyMs) => {
      const contact = await sandbox.phone(String(nextNumber++), { addressing })
      const { lid } = await contact.view()
      // The first messages have found each other: what crosses before that is the phones' affair.
      const chat: ChatRef = addressing === "pn" ? toPerson(contact.number) : { kind: "person", phone: null, lid }
      await line.send(chat, "first")
      await contact.waitFor({ text: "first" })
      await contact.send(company.number, `answer of ${contact.number}`)
      await line.until("the answer", () => line.texts().includes(`answer of ${contact.number}`))
      const before = await sandbox.line(company.number).view()

      line.store.latencyMs = latencyMs
      const outcomes = await talkAtOnce(contact, chat)
      const read = await contact.waitForCount(MESSAGES, { contains: "ours" })
      const ours = (text: string) => text.startsWith("theirs") && text.endsWith(contact.number)
      await line.until("all of theirs", () => line.texts().filter(ours).length === MESSAGES)
      line.store.latencyMs = 0

      expect(outcomes.every((outcome) => outcome === "acknowledged")).toBe(true)
      expect(new Set(read.map(({ text }) => text)).size).toBe(MESSAGES)
      expect((await contact.view()).counts).toMatchObject({ undecryptable: 0, retriesAsked: 0, retriesAnswered: 0 })
      const after = await sandbox.line(company.number).view()
      expect(after.retriesAsked - before.retriesAsked).toBe(0)
      expect(after.nacks - before.nacks).toBe(0)
    },
    30_000,
  )

  test("leave a backlog in its place: what comes after it is read after it", async () => {
    const contact = await sandbox.phone(String(nextNumber++))
    const chat = toPerson(contact.number)
    await line.send(chat, "first")
    await contact.waitFor({ text: "first" })
    await line.close()
    const before = await sandbox.line(company.number).view()
    const written: string[] = []
    while (written.length < MESSAGES) {
      written.push(`theirs, waiting ${written.length} of ${contact.number}`)
      await contact.send(company.number, written.at(-1) ?? "")
    }
    // The backlog takes longer than it takes both sides to change their keys a few times.
    line.store.latencyMs = 15
    line.events.length = 0
    await line.connect()
    await line.event("open")
    const outcomes = await talkAtOnce(contact, chat)
    for (let index = 0; index < MESSAGES; index++) written.push(`theirs ${index} of ${contact.number}`)
    const ours = (text: string) => text.startsWith("theirs") && text.endsWith(` ${contact.number}`)
    await line.until("all of theirs", () => line.texts().filter(ours).length === written.length, 30_000)
    line.store.latencyMs = 0

    const read = line.texts().filter(ours)
    expect(read.slice(0, MESSAGES)).toEqual(written.slice(0, MESSAGES))
    // Those of the talk were written at once, in no order of their own.
    expect(new Set(read)).toEqual(new Set(written))
    expect(outcomes.every((outcome) => outcome === "acknowledged")).toBe(true)
    const after = await sandbox.line(company.number).view()
    expect([after.retriesAsked - before.retriesAsked, after.nacks - before.nacks]).toEqual([0, 0])
  }, 60_000)

  test("heal when even the first ones cross", async () => {
    const contact = await sandbox.phone(String(nextNumber++))
    line.store.latencyMs = 15
    const outcomes = await talkAtOnce(contact, toPerson(contact.number))
    await contact.waitForCount(MESSAGES, { contains: "ours" })
    const theirs = (text: string) => text.startsWith("theirs") && text.endsWith(contact.number)
    await line.until("all of theirs", () => line.texts().filter(theirs).length === MESSAGES)
    line.store.latencyMs = 0
    expect(outcomes.every((outcome) => outcome === "acknowledged")).toBe(true)
  }, 30_000)
})
