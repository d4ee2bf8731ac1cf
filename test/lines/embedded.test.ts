import { afterEach, describe, expect, it } from "vitest"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import type { Ledger } from "../../core/ledger.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type House, callOf, openHouse } from "./house.ts"

/** Answers of a real disk take real time: they are waited for, never slept for. */
const until = async <T>(
  what: string,
  probe: () => Promise<T | undefined | false> | T | undefined | false,
): Promise<T> => {
  for (const end = performance.now() + 10_000; ; ) {
    const found = await probe()
    if (found !== undefined && found !== false) return found
    if (performance.now() > end) throw new Error(`Waited in vain: ${what}`)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const cleanups: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean()
})

const openFolder = async (): Promise<{ open(): Promise<Ledger> }> => {
  const folder = await temporaryFolder()
  let current: Ledger | undefined
  cleanups.push(async () => {
    await current?.close()
    await folder.remove()
  })
  return {
    async open() {
      await current?.close()
      current = await openLmdb({ folder: folder.path })
      return current
    },
  }
}

const connect = async (house: House, company: string): Promise<void> => {
  const before = house.provider.connections.length
  const asked = house.lines.commands.initialize(callOf(company), {})
  await until("a connection", () => house.provider.connections.length > before)
  house.provider.line(company).qr("qr")
  await asked
  await house.provider.line(company).link()
  await until("a restart", async () => {
    await house.clock.advance(1)
    return house.provider.connections.length > before + 1
  })
  await house.provider.line(company).open()
}

describe("the lines over the embedded ledger", () => {
  it("send, receive, and find everything again after their process has gone", async () => {
    const disk = await openFolder()
    const house = openHouse({ ledger: await disk.open() })
    await connect(house, "acme")
    const sent = await house.send("acme", { message: "before" }, { key: "k" })
    expect(sent.status).toBe(200)
    await house.provider.line("acme").input.intake.message({
      chat: { kind: "person", phone: "79001234567", lid: "555" },
      sender: { phone: "79001234567", lid: "555" },
      fromMe: false,
      wireId: "W1",
      at: 1,
      pushName: null,
      content: { type: "text", text: "answer" },
      wire: Uint8Array.of(1),
      offline: false,
    })
    house.provider.policy = () => "hold"
    const waiting = await house.send("acme", { message: "unanswered" }, { respondAsync: true })
    await until("the try", () => house.provider.line("acme").held.length === 1)

    const next = await house.reopen("kill", disk.open)
    expect(await next.send("acme", { message: "before" }, { key: "k" })).toEqual({ ...sent, replayed: true })
    next.provider.onConnect = (connection) => connection.open()
    next.lines.start()
    await until("the line", () => next.lines.views.sessions.get("acme")?.connected)
    await until("the resend", async () => {
      const found = await next.lines.messages.find("acme", String(waiting.data.messageId))
      return found?.status === "sent"
    })
    expect(next.provider.line("acme").sent.map(({ id }) => id)).toEqual([waiting.data.messageId])
    const { data } = await next.lines.messages.list("acme", { limit: 10 })
    expect(data.map(({ message }) => message)).toEqual(["unanswered", "answer", "before"])
    expect(new Set(data.map(({ chatId }) => chatId)).size).toBe(1)
    const positions = (await next.events("acme")).map(({ position }) => position)
    expect(positions).toEqual(positions.map((_, index) => index + 1))
    expect(await next.counted("acme")).toEqual({ sent: 2, received: 1 })
    await next.lines.stop(1_000)
  })

  it("serve many companies and chats at once without losing or doubling one message", async () => {
    const disk = await openFolder()
    const house = openHouse({ ledger: await disk.open() })
    const companies = ["a", "b", "c"]
    for (const company of companies) await connect(house, company)
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, n) =>
        house.send(companies[n % 3] ?? "a", { phone: `7900000100${n % 7}`, message: String(n) }),
      ),
    )
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    for (const company of companies) {
      const ids = house.provider.line(company).sent.map(({ id }) => id)
      expect(ids).toHaveLength(100)
      expect(new Set(ids).size).toBe(100)
      expect(await house.counted(company)).toEqual({ sent: 100 })
      expect((await house.ledger.page(company, "outbox", { limit: 5 })).rows).toEqual([])
    }
    await house.lines.stop(1_000)
  })
})
