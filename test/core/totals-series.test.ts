import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { createInstruments } from "../../core/loading/instruments.ts"
import type { Ledger } from "../../core/ledger.ts"
import { createSlots } from "../../core/monitor/slots.ts"
import { count, TOTALS_TABLE } from "../../core/monitor/totals.ts"
import { createTotalsBook, type TotalsBook } from "../../core/monitor/totals-book.ts"
import { showTotals } from "../../core/monitor/totals-metrics.ts"

interface Process {
  readonly book: TotalsBook
  /** Counts one that was sent. */
  send(company: string, by?: number): Promise<void>
  /** What Prometheus sees of it, by company. */
  seen(): Record<string, number>
  /** As `DELETE` of a company does it. */
  erase(company: string): Promise<void>
}

/** A process on a ledger that outlives it: it is killed by being let go of. */
async function start(ledger: Ledger, places = 2): Promise<Process> {
  const slots = createSlots(places)
  const book = createTotalsBook(ledger, { enabled: true, slots })
  await book.open()
  const instruments = createInstruments({ companies: places, slots })
  showTotals(instruments, "core", book)
  return {
    book,
    async send(company, by = 1) {
      await book.ledger.commit(company, [count("sent", by)])
    },
    seen() {
      const shown = instruments.snapshot().find(({ name }) => name === "whatsapp_messages_sent_total")
      if (shown === undefined || shown.kind === "histogram") throw new Error("It is not shown")
      return Object.fromEntries(shown.series.map(({ labels, value }) => [labels["company"], value]))
    },
    async erase(company) {
      await book.ledger.erase(company)
      instruments.forget(company)
    },
  }
}

const total = (seen: Record<string, number>): number => Object.values(seen).reduce((sum, value) => sum + value, 0)

/** Fails at what it is told to, before or after it was done. */
function fragile(ledger: Ledger) {
  const how: { at: ((company: string, table: string) => boolean) | undefined; after: boolean; ledger: Ledger } = {
    at: undefined,
    after: true,
    ledger: {
      ...ledger,
      async commit(company, ops) {
        const fails = ops.some(({ table }) => how.at?.(company, table))
        const result = fails && !how.after ? undefined : await ledger.commit(company, ops)
        if (fails || result === undefined) throw new Error("The disk is gone")
        return result
      },
      async erase(company) {
        if (how.at?.(company, "erase") === true) throw new Error("The disk is gone")
        return ledger.erase(company)
      },
    },
  }
  return how
}

describe("series of durable totals", () => {
  it("belong to the first companies with traffic, and `other` to the rest; each count to one of them", async () => {
    const { send, seen, book } = await start(createMemoryLedger())
    for (const company of ["a", "b", "c", "d", "a", "c", "other"]) await send(company)
    expect(seen()).toEqual({ a: 2, b: 1, other: 4 })
    expect(book.of("c")).toMatchObject({ sent: 2 })
    expect(book.sum().sent).toBe(7)
  })

  it("are the same after a kill as before it", async () => {
    const ledger = createMemoryLedger()
    const one = await start(ledger)
    for (const company of ["x", "c", "a", "x", "b"]) await one.send(company)
    const two = await start(ledger)
    expect(two.seen()).toEqual(one.seen())
    const three = await start(ledger)
    expect(three.seen()).toEqual({ x: 2, c: 1, other: 2 })
    // Whoever has traffic now comes before whoever had it then; what was shown of those is not shown elsewhere.
    await three.send("a")
    expect(three.seen()).toEqual({ a: 1, c: 1, other: 2 })
    await three.send("b")
    await three.send("x", 5)
    expect(three.seen()).toEqual({ a: 1, b: 1, other: 7 })
    const four = await start(ledger)
    expect(four.seen()).toEqual({ a: 1, b: 1, other: 7 })
    expect(four.book.of("x")).toMatchObject({ sent: 7 })
    expect((await start(ledger, 4)).seen()).toEqual({ a: 1, b: 1, c: 1, x: 2, other: 7 })
  })

  it("never go back, whatever comes, goes, is erased and is killed", async () => {
    let seed = 7
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    const ledger = createMemoryLedger()
    let process = await start(ledger, 3)
    const highest = new Map<string, number>()
    let sum = 0
    for (let step = 0; step < 1_000; step++) {
      const what = random(100)
      if (what < 90) await process.send(`company-${random(8)}`, 1 + random(3))
      else if (what < 96) process = await start(ledger, 1 + random(5))
      else {
        const gone = `company-${random(8)}`
        await process.erase(gone)
        // What begins anew under an old name is another company.
        highest.delete(gone)
      }
      const seen = process.seen()
      for (const [company, value] of Object.entries(seen)) {
        expect(value, `${company} at step ${step}`).toBeGreaterThanOrEqual(highest.get(company) ?? 0)
        highest.set(company, value)
      }
      const { sent } = process.book.sum()
      expect(sent).toBeGreaterThanOrEqual(sum)
      expect(total(seen)).toBeLessThanOrEqual(sent)
      sum = sent
    }
    expect((await start(ledger, 8)).seen()).toMatchObject({ other: expect.any(Number) as number })
    expect(total((await start(ledger, 8)).seen())).toBe(sum)
  })
})

describe("a company that is erased", () => {
  it("leaves its counts to a number that names nobody", async () => {
    const ledger = createMemoryLedger()
    const { send, seen, erase, book } = await start(ledger)
    for (const company of ["a", "b", "c"]) await send(company, 5)
    await erase("a")
    expect(seen()).toEqual({ b: 5, other: 10 })
    expect(book.sum().sent).toBe(15)
    expect([book.of("a"), book.companies()]).toEqual([undefined, ["b", "c"]])
    expect(await ledger.numbers("", TOTALS_TABLE)).toEqual({ sent: 5 })
    expect(JSON.stringify(await ledger.dump("", undefined, 100))).not.toContain('"a"')
    await send("a")
    expect(seen()).toEqual({ b: 5, a: 1, other: 10 })
    expect((await start(ledger)).seen()).toEqual({ b: 5, a: 1, other: 10 })
  })

  it.each([
    ["before its counts are put by", "totals-held", false],
    ["after its counts were put by", "totals-held", true],
    ["before its records are erased", "erase", false],
    ["before its counts are given over", "totals", false],
    ["after its counts were given over", "totals", true],
  ])("counts once, also where the process is killed %s", async (_what, table, after) => {
    const disk = fragile(createMemoryLedger())
    const one = await start(disk.ledger, 1)
    await one.send("b", 3)
    await one.send("a", 5)
    disk.at = (company, at) => at === table && (company === "" || at === "erase")
    disk.after = after
    await expect(one.erase("a")).rejects.toThrow("The disk is gone")
    disk.at = undefined
    const two = await start(disk.ledger, 1)
    expect(two.book.sum().sent).toBe(8)
    expect(two.seen()).toEqual({ b: 3, other: 5 })
    // The mark of the erasure is still there: it is done again.
    await two.erase("a")
    for (const { book, seen } of [two, await start(disk.ledger, 1)]) {
      expect([book.sum().sent, seen(), book.companies()]).toEqual([8, { b: 3, other: 5 }, ["b"]])
    }
  })

  it("waits for what is still on its way to the disk", async () => {
    const ledger = createMemoryLedger()
    let release = (): void => undefined
    const slow = new Promise<void>((resolve) => {
      release = resolve
    })
    const late: Ledger = {
      ...ledger,
      async commit(company, ops) {
        if (company === "a" && ops.length === 2) await slow
        return ledger.commit(company, ops)
      },
    }
    const { book, erase, send } = await start(late)
    await send("b")
    const counting = book.ledger.commit("a", [count("sent", 9)])
    const erasing = erase("a")
    release()
    await Promise.all([counting, erasing])
    expect(book.sum().sent).toBe(10)
    expect(await ledger.numbers("", TOTALS_TABLE)).toEqual({ sent: 9 })
  })
})

describe("a company that is replaced", () => {
  const replace = async ({ book }: Process, company: string, sent: number): Promise<void> => {
    await book.ends.hold(company)
    await book.ledger.erase(company)
    await book.ledger.commit(company, [count("sent", sent)])
    await book.ends.keep(company)
    book.ends.drop(company)
  }

  it.each([
    ["older", 4, 10],
    ["newer", 30, 30],
  ])("by an %s copy of itself has that one's counts, while no series and no sum goes back", async (_, sent, sum) => {
    const ledger = createMemoryLedger()
    const one = await start(ledger, 1)
    await one.send("b")
    const two = await start(ledger, 2)
    await two.send("b")
    await two.send("a", 8)
    await replace(two, "a", sent)
    expect(two.seen()).toEqual({ b: 2, a: 8, other: sum - 8 - (sum === 10 ? 2 : 0) })
    expect(two.book.of("a")).toMatchObject({ sent })
    expect(two.book.sum().sent).toBe(sum === 10 ? 10 : sum + 2)
    const three = await start(ledger, 2)
    expect([three.seen(), three.book.sum().sent]).toEqual([two.seen(), two.book.sum().sent])
    await three.send("a")
    expect(three.seen()).toMatchObject({ a: 9 })
  })

  it("and comes from elsewhere counts whole, in `other`", async () => {
    const one = await start(createMemoryLedger())
    await replace(one, "a", 7)
    await one.send("a")
    expect(one.seen()).toEqual({ a: 1, other: 7 })
    expect(one.book.of("a")).toMatchObject({ sent: 8 })
  })

  it("counts as before while that is not over, and for the erased ones if it fails or is killed", async () => {
    const ledger = createMemoryLedger()
    const one = await start(ledger)
    await one.send("a", 5)
    await one.book.ends.hold("a")
    await one.book.ledger.erase("a")
    await one.book.ledger.commit("a", [count("sent", 3)])
    expect([one.seen(), one.book.sum().sent]).toEqual([{ a: 5, other: 0 }, 5])
    const two = await start(ledger)
    expect([two.seen(), two.book.sum().sent]).toEqual([{ a: 5, other: 0 }, 5])
    await two.erase("a")
    for (const { book, seen } of [two, await start(ledger)]) {
      expect([seen(), book.sum().sent, book.companies()]).toEqual([{ other: 5 }, 5, []])
    }
  })
})

describe("a commit that seems to fail", () => {
  it.each([true, false])("and has written: %s, leaves memory where the ledger is", async (after) => {
    const disk = fragile(createMemoryLedger())
    const { book, send } = await start(disk.ledger)
    await send("a")
    disk.at = (company) => company === "a"
    disk.after = after
    await expect(send("a", 4)).rejects.toThrow("The disk is gone")
    await expect.poll(() => book.of("a")?.sent).toBe(after ? 5 : 1)
    disk.at = undefined
    await send("a")
    expect([book.of("a")?.sent, book.sum().sent]).toEqual(after ? [6, 6] : [2, 2])
    expect((await start(disk.ledger)).book.sum().sent).toBe(after ? 6 : 2)
  })
})
