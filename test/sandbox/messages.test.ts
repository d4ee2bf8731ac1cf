import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { createBareClient, type BareClient } from "./bare-client.ts"
import { startSandbox, type Sandbox, type SandboxPhone } from "./index.ts"

let sandbox: Sandbox
let company: SandboxPhone
let bare: BareClient
let nextNumber = 15552000

beforeAll(async () => {
  // libsignal prints whole sessions in the client's process too.
  console.info = console.warn = console.error = () => undefined
  sandbox = await startSandbox()
  company = await sandbox.phone(String(nextNumber++), { name: "Acme" })
  bare = await link(company)
})
afterEach(() => sandbox.clearFaults())
afterAll(async () => {
  bare.end()
  await sandbox.stop()
})

async function link(phone: SandboxPhone): Promise<BareClient> {
  const made = createBareClient(sandbox.url)
  made.connect()
  await phone.link(await made.until("a QR code", () => made.qrs[0]))
  await made.opened()
  await made.synced()
  return made
}

function newPhone(spec: Parameters<Sandbox["phone"]>[1] = {}): Promise<SandboxPhone> {
  return sandbox.phone(String(nextNumber++), spec)
}

async function sendText(to: string, text: string, from = bare): Promise<string> {
  const sent = await from.socket.sendMessage(to.includes("@") ? to : `${to}@s.whatsapp.net`, { text })
  return sent?.key.id ?? ""
}

function gets(text: string, client = bare): Promise<true> {
  return client.until(`the text "${text}"`, () => client.texts().includes(text) || undefined)
}

function status(id: string, least: number): Promise<true> {
  return bare.until(`status ${least} of ${id}`, () => (bare.statuses.get(id)?.status ?? 0) >= least || undefined)
}

test("a phone sends what is no text", async () => {
  const ann = await newPhone()
  const gets = (
    what: string,
    found: (message: BareClient["messages"][number]["message"]) => unknown,
  ): Promise<unknown> => bare.until(what, () => bare.messages.some(({ message }) => found(message)) || undefined)
  await ann.send(company.number, "Zoo", undefined, "location")
  await gets("the place", (message) => message?.locationMessage?.name === "Zoo")
  await ann.send(company.number, "👍", undefined, "reaction")
  await gets("the reaction", (message) => message?.reactionMessage?.text === "👍")
  const wrong = ann.send(company.number, "Zoo", undefined, "poem" as "text")
  await expect(wrong).rejects.toThrow("text, reaction, location")
})

describe("texts between a company and a person", () => {
  test("go both ways, with delivery and read receipts, and the company's phone has a copy", async () => {
    const ann = await newPhone({ name: "Ann", read: true })
    const id = await sendText(ann.number, "hello ann")
    const seen = await ann.waitFor({ id })
    expect(seen).toMatchObject({ text: "hello ann", from: company.number, times: 1, own: false })
    await status(id, 4)
    expect(await company.waitFor({ id, own: true })).toMatchObject({ chat: ann.number, text: "hello ann" })
    const [record] = await sandbox.line(company.number).sent(id)
    expect(record).toMatchObject({ times: 1, acked: true, text: "hello ann" })

    const sent = await ann.send(company.number, "hello acme")
    await gets("hello acme")
    const confirmed = await ann.sent(sent.id, { status: "delivered", ms: 5000, by: `${company.number}:1` })
    expect(confirmed.delivered).toContain(`${company.number}:1`)
  })

  test("are answered by a phone that echoes, and not by one that is silent", async () => {
    const echo = await newPhone({ reply: "echo" })
    const fixed = await newPhone({ reply: "text", replyText: "thank you" })
    const silent = await newPhone()
    await sendText(silent.number, "anybody there?")
    await sendText(fixed.number, "take this")
    await sendText(echo.number, "say it again")
    await Promise.all([gets("say it again"), gets("thank you")])
    await silent.waitFor({ text: "anybody there?" })
    expect((await silent.view()).counts.sent).toBe(0)
  })

  test("a read receipt of the client reaches the person", async () => {
    const ann = await newPhone()
    const { id } = await ann.send(company.number, "please read")
    await gets("please read")
    const message = bare.messages.find((one) => one.key.id === id)
    await bare.socket.readMessages(message ? [message.key] : [])
    const sent = await ann.sent(id, { status: "read", ms: 5000 })
    expect(sent.read).toEqual([`${company.number}:1`])
  })

  test("travel by LID when the person writes so; both names are known to the client", async () => {
    const ann = await newPhone({ addressing: "lid" })
    const { lid } = await ann.view()
    await ann.send(company.number, "from a hidden number")
    await gets("from a hidden number")
    const { key } = bare.messages.at(-1) ?? {}
    expect(key).toMatchObject({
      remoteJid: `${lid}@lid`,
      remoteJidAlt: `${ann.number}@s.whatsapp.net`,
      addressingMode: "lid",
    })
    const id = await sendText(`${lid}@lid`, "to a hidden number")
    expect(await ann.waitFor({ id })).toMatchObject({ addressing: "lid", from: company.number })
  })

  test("wait for a line that is away, and come marked as offline, in order", async () => {
    const ann = await newPhone()
    const phone = await newPhone()
    const client = await link(phone)
    client.end()
    await sandbox.line(phone.number).waitFor({ connected: false })
    for (const text of ["one", "two", "three"]) await ann.send(phone.number, text)
    client.connect()
    await gets("three", client)
    expect(client.texts()).toEqual(["one", "two", "three"])
    const line = await sandbox.line(phone.number).waitFor({ deliveredOffline: 3, receiptsFromLine: 3 })
    expect(line.devices[0]?.queued).toBe(0)
    client.end()
  })

  test("are not possible with a number that is not on WhatsApp", async () => {
    const gone = await newPhone({ registered: false })
    const here = await newPhone()
    const known = await bare.socket.onWhatsApp(gone.number, here.number, "15559999999")
    expect(known).toEqual([{ jid: `${here.number}@s.whatsapp.net`, exists: true }])
    await expect(here.send(gone.number, "hello?")).rejects.toThrow("not on WhatsApp")
  })

  test("use up one one-time pre-key for the first message, and the client is asked for more when few are left", async () => {
    const phone = await newPhone()
    const client = await link(phone)
    const before = await sandbox.line(phone.number).view()
    const ann = await newPhone()
    for (const text of ["first", "second"]) await ann.send(phone.number, text)
    await gets("second", client)
    const after = await sandbox.line(phone.number).view()
    expect(before.preKeysGiven).toBe(1)
    expect(after.preKeysGiven).toBe(2)
    expect(after.preKeysLeft).toBe(810)
    const jids = Array.from({ length: 806 }, () => ({
      tag: "user",
      attrs: { jid: `${phone.number}:1@s.whatsapp.net` },
    }))
    await bare.socket.query({
      tag: "iq",
      attrs: { xmlns: "encrypt", type: "get", to: "s.whatsapp.net" },
      content: [{ tag: "key", attrs: {}, content: jids }],
    })
    await sandbox.line(phone.number).waitFor({ preKeysUploaded: 817 })
    client.end()
  })
})

describe("two companies", () => {
  test("talk to each other line to line", async () => {
    const phone = await newPhone({ name: "Other" })
    const other = await link(phone)
    await sendText(phone.number, "line to line")
    await gets("line to line", other)
    const back = await sendText(company.number, "and back", other)
    await gets("and back")
    await other.until("delivered", () => (other.statuses.get(back)?.status ?? 0) >= 3 || undefined)
    other.end()
  })
})

describe("a group", () => {
  test.each(["lid", "pn"] as const)(
    "with %s addressing carries texts from everybody to everybody",
    async (addressing) => {
      const [ann, bob] = [await newPhone(), await newPhone()]
      const members = [company.number, bob.number]
      const { jid } = await sandbox.group({ subject: "Team", creator: ann.number, members, addressing })
      for (const text of [`first in ${addressing}`, `second in ${addressing}`]) {
        await ann.send(jid, text)
        await gets(text)
        await bob.waitFor({ text, chat: jid, from: ann.number })
        const id = await sendText(jid, `${text}, answered`)
        await Promise.all([ann.waitFor({ id, chat: jid }), bob.waitFor({ id }), company.waitFor({ id, own: true })])
      }
      expect((await bare.socket.groupMetadata(jid)).participants).toHaveLength(3)
      for (const member of [ann, bob]) expect((await member.view()).counts.undecryptable).toBe(0)
      await bob.forgetSessions()
      const id = await sendText(jid, "bob has a new phone")
      await Promise.all([ann.waitFor({ id }), bob.waitFor({ id })])
      expect((await bob.view()).counts.undecryptable).toBe(1)
    },
  )
})

describe("what cannot be read is asked for again", () => {
  test("by the line, when a text arrives damaged", async () => {
    const ann = await newPhone()
    await ann.send(company.number, "opens the session")
    await gets("opens the session")
    const before = (await sandbox.line(company.number).view()).retriesAsked
    await sandbox.fault({ kind: "garble", line: company.number, count: 1 })
    const { id } = await ann.send(company.number, "once damaged")
    await gets("once damaged")
    expect((await ann.sent(id)).retries).toBe(1)
    expect((await sandbox.line(company.number).view()).retriesAsked).toBe(before + 1)
  })

  test("by a phone that has lost its sessions", async () => {
    const ann = await newPhone()
    const hello = await ann.send(company.number, "hello")
    await gets("hello")
    await ann.sent(hello.id, { status: "delivered", ms: 5000, by: `${company.number}:1` })
    await sendText(ann.number, "before")
    await ann.waitFor({ text: "before" })
    await ann.send(company.number, "so that the session is settled")
    await gets("so that the session is settled")
    await ann.forgetSessions()
    await sendText(ann.number, "after")
    await ann.waitFor({ text: "after" })
    expect((await ann.view()).counts).toMatchObject({ undecryptable: 1, retriesAsked: 1, texts: 2 })
  })

  test("and crossing first messages need no retry at all", async () => {
    const people = await Promise.all(Array.from({ length: 10 }, () => newPhone()))
    const before = await sandbox.totals()
    for (const round of [1, 2, 3]) {
      await Promise.all(
        people.flatMap((person) => [
          person.send(company.number, `${person.number} says ${round}`),
          sendText(person.number, `acme says ${round}`),
        ]),
      )
    }
    for (const person of people) {
      await person.waitForCount(3, { from: company.number })
      await gets(`${person.number} says 3`)
    }
    const after = await sandbox.totals()
    expect(after.undecryptable - before.undecryptable).toBe(0)
  })
})
