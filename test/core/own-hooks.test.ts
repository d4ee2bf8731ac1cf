import { expect, it } from "vitest"
import { createHooks } from "../../core/hooks.ts"
import { ownHooks } from "../../core/loading/own-hooks.ts"
import { definePlugin, type Guard, type Observe } from "../../core/plugin.ts"
import { refuse } from "../../core/refusal.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"

declare module "../../core/plugin.ts" {
  interface HookMap {
    "survey:ask": Guard<{ readonly question: string }>
    "survey:told": Observe<{ readonly answer: string }>
  }
}

const survey = definePlugin({
  name: "survey",
  description: "Asks",
  hooks: { "survey:ask": "guard", "survey:told": "observe" },
  setup: () => undefined,
})

const house = () => {
  const hooks = createHooks({ clock: createTestClock(), log: createTestLog() })
  for (const [name, kind] of Object.entries(survey.hooks ?? {})) hooks.declare("survey", name, kind)
  return hooks
}

it("A plugin runs the hooks that it declares, with the rules of their kind", async () => {
  const hooks = house()
  const told: string[] = []
  hooks.add("guest", "survey:ask", ({ question }) => (question === "age" ? refuse("FORBIDDEN") : undefined))
  hooks.add("broken", "survey:ask", () => {
    throw new Error("out of order")
  })
  hooks.add("guest", "survey:told", ({ answer }) => void told.push(answer))
  const run = ownHooks(survey, hooks)
  expect(await run.guard("survey:ask", { question: "age" })).toMatchObject({
    plugin: "guest",
    error: { code: "FORBIDDEN" },
  })
  expect(await run.guard("survey:ask", { question: "name" })).toMatchObject({
    plugin: "broken",
    error: { code: "PLUGIN_FAULT" },
  })
  run.observe("survey:told", { answer: "yes" })
  await hooks.drain()
  expect(told).toEqual(["yes"])
})

it("A plugin runs no stage of the house and none of another plugin", () => {
  const run = ownHooks(definePlugin({ name: "other", description: "x", setup: () => undefined }), house())
  expect(() => run.observe("survey:told", { answer: "yes" })).toThrow("survey:told is not among its hooks")
  expect(() => run.guard("company:validate", { company: "acme" })).toThrow("company:validate")
})
