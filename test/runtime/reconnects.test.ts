import { expect, test } from "vitest"
import { runReconnects } from "./reconnects.ts"

test("a hundred and twenty reconnects leave no heap, timers or listeners behind", { timeout: 180_000 }, async () => {
  const { thirds, heapPerReconnect } = await runReconnects(120)
  const [first, last] = [thirds[0], thirds.at(-1)]
  expect(last?.listeners).toBeLessThanOrEqual(first?.listeners ?? 0)
  expect(last?.timers).toBeLessThanOrEqual(first?.timers ?? 0)
  expect(last?.handles).toBeLessThanOrEqual((first?.handles ?? 0) + 2)
  expect(heapPerReconnect).toBeLessThan(30_000)
})
