import { expect, test } from "vitest"
import { runScrape } from "./scrape.ts"

test("companies beyond those with series of their own, gone ones, new ones and a restart: no counter goes back", {
  timeout: 120_000,
}, async () => {
  const { wentBack, mostNames, counted, talked } = await runScrape({ companies: 10, cap: 4, turnover: 4, scrapes: 1 })
  expect(wentBack).toEqual([])
  expect(mostNames).toBe(5)
  // What was counted for companies that are gone is counted still.
  expect(counted).toBe(talked)
})
