import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger, Op } from "../../core/ledger.ts"
import { type Backlog, createBacklog } from "../../core/message/backlog.ts"
import { orderAt, orderText } from "../../core/message/sequence.ts"
import { createTestClock } from "../support/clock.ts"

const put = (at: number): Op => ({ op: "put", table: "outbox", key: orderText(orderAt(at)), value: Uint8Array.of(1) })
const gone = (at: number): Op => ({ op: "delete", table: "outbox", key: orderText(orderAt(at)) })
/** What a settlement asks for beside it. */
const moved: Op = { op: "putIfVersion", version: 0, table: "message", key: "m", value: Uint8Array.of(1) }

function open(ledger: Ledger = createMemoryLedger()) {
  const clock = createTestClock()
  return { clock, ledger, start: clock.now(), backlog: createBacklog(ledger, clock) }
}

/** What is shown once everything that was in doubt has been read again. */
async function settled(backlog: Backlog, clock: ReturnType<typeof createTestClock>) {
  backlog.read()
  await clock.advance(1_000)
  backlog.read()
  await clock.settle()
  return backlog.read()
}

describe("what waits in the outboxes", () => {
  it("is followed from commit to commit, with the age of the oldest over all companies", async () => {
    const { backlog, clock, start } = open()
    const { commit } = backlog.ledger
    await commit("a", [put(start)])
    await clock.advance(5_000)
    await commit("b", [put(start + 5_000), put(start + 5_001)])
    expect(backlog.read()).toEqual({ messages: 3, oldestMs: 5_000 })
    await commit("a", [moved, gone(start)])
    expect(backlog.read()).toEqual({ messages: 2, oldestMs: 0 })
    await commit("b", [moved, gone(start + 5_000)])
    await clock.advance(3_000)
    expect(await settled(backlog, clock)).toEqual({ messages: 1, oldestMs: 3_999 })
    await backlog.ledger.erase("b")
    expect(backlog.read()).toEqual({ messages: 0, oldestMs: 0 })
  })

  it("is counted at the start, also of lines that are down, and more than one page of it", async () => {
    const { ledger, clock, start } = open()
    for (let at = 0; at < 450; at++) await ledger.commit("a", [put(start + at)])
    await ledger.commit("b", [put(start + 9)])
    const again = createBacklog(ledger, clock)
    const opened = again.open()
    await clock.advance(10)
    await opened
    expect(again.read()).toEqual({ messages: 451, oldestMs: 10 })
  })

  it("is counted anew where a commit does not tell what it has done", async () => {
    const memory = createMemoryLedger()
    let fails = false
    const { backlog, clock, start } = open({
      ...memory,
      async commit(company, ops) {
        const result = await memory.commit(company, ops)
        if (fails) throw new Error("The disk is gone")
        return result
      },
    })
    fails = true
    await expect(backlog.ledger.commit("a", [put(start)])).rejects.toThrow("The disk is gone")
    fails = false
    expect(backlog.read().messages).toBe(0)
    expect((await settled(backlog, clock)).messages).toBe(1)
    // Deleted though it was never there, as a message is whose sender was told that it was not stored.
    await backlog.ledger.commit("a", [gone(start + 7)])
    expect((await settled(backlog, clock)).messages).toBe(1)
    const clash: Op = { ...moved, version: 9 }
    await backlog.ledger.commit("a", [clash, gone(start)])
    expect((await settled(backlog, clock)).messages).toBe(1)
  })
})
