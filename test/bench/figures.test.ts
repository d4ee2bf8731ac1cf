import { expect, test } from "vitest"
import { coresIn, cpuSecondsIn } from "./cpu.ts"
import { figure, slopes, spread } from "./figures.ts"
import { readOptions } from "./options.ts"
import { render, rounded } from "./report.ts"

const input = { name: "send", unit: "texts", against: "bare" }

test("the median of an even number of rounds lies between the two in the middle", () => {
  expect(spread([4, 1, 3, 10])).toEqual({ min: 1, median: 3.5, max: 10 })
  expect(spread([2])).toEqual({ min: 2, median: 2, max: 2 })
})

test("no rounds, and rounds without a number, are no figure", () => {
  expect(() => spread([])).toThrow()
  expect(() => spread([1, Number.NaN])).toThrow()
  expect(() => figure({ ...input, ours: [1], reference: [0] })).toThrow()
})

test("a ratio is taken round by round, so that a slow minute hits both of its sides", () => {
  const { ratio } = figure({ ...input, ours: [100, 50, 100], reference: [200, 100, 200] })
  expect(ratio).toEqual({ min: 0.5, median: 0.5, max: 0.5 })
})

test("a round that only one side has taken part in is refused", () => {
  expect(() => figure({ ...input, ours: [1, 2], reference: [1] })).toThrow("2 rounds against 1")
})

test.each([
  ["least", 0.7, [70], true],
  ["least", 0.71, [70], false],
  ["most", 0.7, [70], true],
  ["most", 0.69, [70], false],
] as const)("a bar of %s %d against a ratio of 0.7 is judged %s %s", (kind, value, ours, met) => {
  expect(figure({ ...input, ours, reference: [100], bar: { kind, value } }).met).toBe(met)
})

test.each([
  ["difference", 20, [45, 70, 41], true],
  ["difference", 19, [45, 70, 41], false],
  ["ours", 45, [45, 70, 41], true],
  ["ours", 44, [45, 70, 41], false],
] as const)("a bar on %s of at most %d is judged by the middle round: %j %s", (of, value, ours, met) => {
  const judged = figure({ ...input, ours, reference: [25, 10, 31], bar: { kind: "most", value, of } })
  expect(judged.met).toBe(met)
  expect(judged.difference).toEqual({ min: 10, median: 20, max: 60 })
  expect(render([judged], {})).toContain(`${of} ≤ ${value}`)
})

test("a figure without a bar is neither met nor missed", () => {
  expect(figure({ ...input, ours: [1], reference: [1] }).met).toBeNull()
})

test("slopes are taken from each point to the next", () => {
  const points = [
    { x: 50, y: 100 },
    { x: 100, y: 200 },
    { x: 200, y: 300 },
  ]
  expect(slopes(points)).toEqual([2, 1])
  expect(() => slopes([points[0], points[0]].filter((point) => point !== undefined))).toThrow("No slope at 50")
})

test("the CPU time of a process is user and system time, whatever its name looks like", () => {
  const stat = "4711 (a ) 9 (b)) S 1 4711 4711 0 -1 4194304 1 0 0 0 250 50 7 7 20 0 11 0 1 1 1 1 1"
  expect(cpuSecondsIn(stat)).toBe(3)
  expect(() => cpuSecondsIn("")).toThrow()
})

test("the kernel's lists of cores are read", () => {
  expect(coresIn("0-2,7\n")).toEqual([0, 1, 2, 7])
  expect(coresIn("3")).toEqual([3])
})

test("the command line says what is wrong with it", () => {
  expect(readOptions(["start", "--rounds", "2"])).toMatchObject({
    measurements: ["start"],
    rounds: 2,
    startRounds: 4,
    guardRounds: 4,
  })
  const all = ["send", "memory", "start", "sealing", "stores", "guards", "pipeline", "instruments", "scrape"]
  expect(readOptions([]).measurements).toEqual(all)
  expect(() => readOptions(["speed"])).toThrow(all.join(", "))
  expect(() => readOptions(["--rounds", "0"])).toThrow("--rounds")
  expect(() => readOptions(["--sessions", "50"])).toThrow("--sessions")
  expect(() => readOptions(["--companies", "1,x"])).toThrow("--companies")
})

test("the table shows the bar, the verdict and the settings", () => {
  const missed = figure({ ...input, ours: [1], reference: [2], bar: { kind: "least", value: 0.7 } })
  const text = render([missed], { node: "v20" })
  expect(text).toContain("≥ 0.7")
  expect(text).toContain("MISSED")
  expect(text).toContain("node: v20")
})

test.each([
  [0, "0"],
  [0.7049, "0.705"],
  [1.2345, "1.23"],
  [1133.4, "1133"],
])("%d is shown as %s", (value, shown) => {
  expect(rounded(value)).toBe(shown)
})
