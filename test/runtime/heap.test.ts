import { describe, expect, it } from "vitest"
import { runHeap } from "./heap.ts"

/** `npm run soak -- heap` is the long form. */
describe("the heap of a server", () => {
  const short = { operations: 2_000, companies: 20 }

  it("does not grow with what has gone through it, and every message is counted", { timeout: 120_000 }, async () => {
    const { ratio, sent, received, countedSent, countedReceived } = await runHeap(short)
    expect(ratio).toBeLessThan(1.1)
    expect([countedSent, countedReceived]).toEqual([sent, received])
    expect([sent, received > 100]).toEqual([1_000, true])
  })

  it("is seen to grow where something is kept of each operation", { timeout: 120_000 }, async () => {
    expect((await runHeap({ ...short, leaks: true })).ratio).toBeGreaterThan(1.1)
  })
})
