import { expect, test } from "vitest"
import { runReconnects } from "./reconnects.ts"

test("a hundred and twenty reconnects leave no heap, timers or listeners behind", { timeout: 180_000 }, async () => {
  const { thirds, heapPerReconnect } = await runReconnects(120, 0)
  const [first, last] = [thirds[0], thirds.at(-1)]
  expect(last?.listeners).toBe(first?.listeners)
  expect(last?.timers).toBeLessThanOrEqual((first?.timers ?? 0) + 5)
  expect(last?.handles).toBeLessThanOrEqual((first?.handles ?? 0) + 2)
  expect(heapPerReconnect).toBeLessThan(30_000)
})
