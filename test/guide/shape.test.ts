import { expect, it } from "vitest"
import { differences } from "./shape.ts"

const example = { total: 5, rate: "3.33%", sessions: { active: 25 }, data: [{ timestamp: 1 }] }

it("an answer that is as the example, or has more, is no different from it", () => {
  expect(differences(example, structuredClone(example))).toEqual([])
  const more = { ...example, since: null, sessions: { active: 0, idle: 1 }, data: [] }
  expect(differences(example, more)).toEqual([])
})

it.each<[string, object, string]>([
  ["a key that is missing", { sessions: {} }, "the answer.sessions.active is missing"],
  ["another type", { total: "5" }, "the answer.total is of type string, and not of type number"],
  ["null for a number", { total: null }, "the answer.total is null, and not of type number"],
  ["a list for an object", { sessions: [] }, "the answer.sessions is a list, and not of type object"],
  ["an item of another shape", { data: [{}] }, "the answer.data[0].timestamp is missing"],
])("%s is told", (_what, change, said) => {
  expect(differences(example, { ...example, ...change })).toEqual([said])
})

it("a share is a number with at most two decimals, no zeros behind them, and its sign", () => {
  const told = (rate: unknown): number => differences("3.33%", rate).length
  expect(["0%", "100%", "0.4%", "3.33%", "50%", "0.04%"].map(told)).toEqual([0, 0, 0, 0, 0, 0])
  expect(["3.330%", "3.", "3.3", "0.40%", "03%", 3.33, "NaN%", "1e2%", "3.333%"].map(told)).toEqual(
    Array.from({ length: 9 }, () => 1),
  )
})
