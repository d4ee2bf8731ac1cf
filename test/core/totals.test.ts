import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { count, TOTALS_TABLE } from "../../core/monitor/totals.ts"
import { createTotalsBook } from "../../core/monitor/totals-book.ts"
import { orderPlugins } from "../../core/order.ts"
import { definePlugin } from "../../core/plugin.ts"

describe("totals", () => {
  it("are what the ledger holds, after a restart as before it", async () => {
    const ledger = createMemoryLedger()
    const book = createTotalsBook(ledger, { enabled: true })
    await book.ledger.commit("salon-1", [count("sent"), count("failed"), count("error:TIMEOUT")])
    await book.ledger.commit("salon-2", [count("sent", 2)])
    const again = createTotalsBook(ledger, { enabled: true })
    await again.open()
    for (const one of [book, again]) {
      expect(one.of("salon-1")).toMatchObject({ sent: 1, failed: 1, errors: { TIMEOUT: 1, NETWORK: 0 } })
      expect(one.sum()).toMatchObject({ sent: 3, failed: 1 })
    }
    expect(book.of("salon-3")).toBeUndefined()
  })

  it("leave out what was not written", async () => {
    const ledger = createMemoryLedger()
    const book = createTotalsBook(ledger, { enabled: true })
    const clash = { op: "putIfVersion", version: 7, table: "t", key: "k", value: new Uint8Array() } as const
    expect(await book.ledger.commit("salon-1", [clash, count("sent")])).toMatchObject({ ok: false })
    expect(book.sum().sent).toBe(0)
  })

  it("stay at 0 where nothing is to be counted", async () => {
    const ledger = createMemoryLedger()
    const book = createTotalsBook(ledger, { enabled: false })
    await book.ledger.commit("salon-1", [count("sent")])
    expect(book.sum().sent).toBe(0)
    expect(Object.values(await ledger.numbers("salon-1", TOTALS_TABLE)).filter((value) => value > 0)).toEqual([])
  })
})

describe("a service that a plugin wants", () => {
  const plugin = (name: string, rest: object) => definePlugin({ name, description: name, setup() {}, ...rest })

  it("puts its plugin behind the one that provides it, and is missed by nobody where there is none", () => {
    const wanting = plugin("health", { wants: ["figures"] })
    const providing = plugin("metrics", { provides: ["figures"] })
    expect(orderPlugins([wanting, providing]).plugins.map(({ name }) => name)).toEqual(["metrics", "health"])
    expect(orderPlugins([wanting])).toMatchObject({ problems: [] })
  })
})
