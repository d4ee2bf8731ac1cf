import { describe, expect, it } from "vitest"
import type { AtomicStore } from "../../core/atomic.ts"
import { appError } from "../../core/errors.ts"
import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import rateLimit from "../../plugins/rate-limit/index.ts"
import type { Answer } from "../lines/web.ts"
import { createTestClock } from "../support/clock.ts"
import { openPluginLines, type PluginLines } from "./on-lines.ts"

/** What processes share, with its faults in the test's hands. */
interface Shared extends AtomicStore {
  state: "there" | "away" | "silent"
  /** Takes and probes that it has been asked for. */
  asked: number
  /** Answers everybody who has been waiting since it fell silent. */
  speak(): void
  /** It has lost everything. */
  clear(): void
}

function createShared(): Shared {
  const clock = createTestClock()
  let store = createMemoryAtomic(clock)
  let waiting: (() => void)[] = []
  const through = async <T>(work: () => T | Promise<T>): Promise<T> => {
    shared.asked++
    if (shared.state === "away") throw appError("STORAGE_UNAVAILABLE")
    if (shared.state === "silent") await new Promise<void>((resolve) => waiting.push(resolve))
    return work()
  }
  const shared: Shared = {
    state: "there",
    asked: 0,
    speak() {
      for (const answer of waiting.splice(0)) answer()
      waiting = []
    },
    clear() {
      store = createMemoryAtomic(clock)
    },
    take: (key, quota) => through(() => store.take(key, quota)),
    giveBack: (key, receipt) => through(() => store.giveBack(key, receipt)),
    increment: (key, by, ttlMs) => through(() => store.increment(key, by, ttlMs)),
    setIfAbsent: (key, value, ttlMs) => through(() => store.setIfAbsent(key, value, ttlMs)),
    get: (key) => through(() => store.get(key)),
    delete: (key) => through(() => store.delete(key)),
  }
  return shared
}

const connected = async (shared: Shared, perCompany = 100): Promise<PluginLines> => {
  const web = await openPluginLines({ plugins: [[rateLimit, { perCompany }]], shared })
  await web.house.connect("acme")
  return web
}
const send = (web: PluginLines, index = 0, more = {}): Promise<Answer> =>
  web.call("POST", "/send", { companyId: "acme", phone: String(79001000000 + index), message: "hello", ...more })
const sendMany = (web: PluginLines, count: number): Promise<Answer[]> =>
  Promise.all(Array.from({ length: count }, (_, index) => send(web, index)))
const passed = (answers: readonly Answer[]): number => answers.filter(({ status }) => status === 200).length
const told = ({ house }: PluginLines, level: string): string[] =>
  house.log.lines.filter((line) => line.level === level && /limits/.test(line.message)).map(({ message }) => message)

describe("a limit that processes share", () => {
  it("lets exactly 100 of 1,000 through, over two processes together", async () => {
    const shared = createShared()
    const [one, two] = [await connected(shared), await connected(shared)]
    const answers = (await Promise.all([sendMany(one, 500), sendMany(two, 500)])).flat()
    expect(passed(answers)).toBe(100)
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(900)
  })

  it("tells what remains over all of them", async () => {
    const shared = createShared()
    const [one, two] = [await connected(shared, 10), await connected(shared, 10)]
    await sendMany(one, 4)
    expect((await send(two)).headers.get("ratelimit")).toBe('"messages";r=5;t=60')
  })

  it("gives a stamp back in both places when the message is refused after all", async () => {
    const shared = createShared()
    const [one, two] = [await connected(shared, 10), await connected(shared, 10)]
    one.house.hooks.add("last", "message:limit", () => ({ refused: true, error: appError("FORBIDDEN") }))
    for (let at = 0; at < 20; at++) expect((await send(one, at)).status).toBe(403)
    await one.house.clock.settle()
    expect(passed(await sendMany(two, 20))).toBe(10)
  })

  it("is kept by each process alone while the store is away, with one warning, and one line when it is back", async () => {
    const shared = createShared()
    const web = await connected(shared)
    expect(passed(await sendMany(web, 60))).toBe(60)
    shared.state = "away"
    expect(passed(await sendMany(web, 200))).toBe(40)
    await web.house.clock.advance(5_000)
    expect(passed(await sendMany(web, 50))).toBe(0)
    expect([told(web, "warn").length, told(web, "info").length]).toEqual([1, 0])
    shared.state = "there"
    // It has come back with nothing, and this process still knows what it has let through.
    shared.clear()
    await web.house.clock.advance(2_000)
    expect(passed(await sendMany(web, 50))).toBe(0)
    expect([told(web, "warn").length, told(web, "info").length]).toEqual([1, 1])
    await web.house.clock.advance(60_000)
    expect(passed(await sendMany(web, 200))).toBe(100)
  })

  it("keeps nobody waiting for a store that is silent, but those who asked before it was known", async () => {
    const shared = createShared()
    const web = await connected(shared)
    shared.state = "silent"
    const first = sendMany(web, 10)
    await web.house.clock.advance(1_800)
    expect(passed(await first)).toBe(10)
    const before = shared.asked
    // Time stands still: whoever waited for anything would wait for ever.
    expect(passed(await sendMany(web, 200))).toBe(90)
    expect(shared.asked).toBe(before)
  })

  it("takes a stamp back that came too late for a message that was refused", async () => {
    const shared = createShared()
    const [one, two] = [await connected(shared, 10), await connected(shared, 10)]
    one.house.hooks.add("last", "message:limit", () => ({ refused: true, error: appError("FORBIDDEN") }))
    shared.state = "silent"
    const refused = send(one)
    await one.house.clock.advance(1_800)
    expect((await refused).status).toBe(403)
    shared.state = "there"
    shared.speak()
    await one.house.clock.settle()
    expect(passed(await sendMany(two, 20))).toBe(10)
  })

  it("asks for the store no oftener than once a second while it is away", async () => {
    const shared = createShared()
    const web = await connected(shared)
    shared.state = "away"
    await send(web)
    const before = shared.asked
    for (let at = 0; at < 30; at++) {
      await sendMany(web, 5)
      await web.house.clock.advance(1_000)
    }
    expect(shared.asked - before).toBeLessThanOrEqual(30)
  })

  it("holds batches of two processes in one window", async () => {
    const shared = createShared()
    const [one, two] = [await connected(shared, 20), await connected(shared, 20)]
    for (const web of [one, two]) {
      const messages = Array.from({ length: 50 }, (_, at) => ({ phone: String(79001000000 + at), message: "x" }))
      await web.call("POST", "/send/batch", { companyId: "acme", messages })
      await web.house.clock.settle()
    }
    const sent = (web: PluginLines): number => web.house.provider.line("acme").sent.length
    expect(sent(one) + sent(two)).toBe(20)
  })
})
