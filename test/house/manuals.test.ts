import { expect, it } from "vitest"
import { missingInManuals } from "../../config/manuals.ts"
import { definePlugin, z } from "../../core/plugin.ts"
import { defineRoute } from "../../core/route.ts"

const plugin = definePlugin({
  name: "greeting",
  description: "Greets",
  config: z.object({ word: z.string().default("Hello") }),
  env: { GREETING_WORD: "word" },
  errors: { GREETING_TOO_LONG: { status: 422, message: "Too long" } },
  companySettings: { greetingSign: { schema: z.string(), description: "A sign" } },
  metrics: { greeting_given_total: { kind: "counter", help: "Greetings" } },
  hooks: { "greeting:word": "transform" },
  provides: ["greeter"],
  setup: () => undefined,
})
const route = (path: string, documented = true) => ({
  owner: "greeting",
  route: defineRoute(
    { method: "get", path, scope: "none", company: "none", summary: "G", tag: "G", responses: {}, documented },
    () => ({}),
  ),
})
const routes = [route("/api/whatsapp/greetings/{companyId}"), route("/greetings/{file}", false)]
const lacks = (text: string | undefined) => missingInManuals([plugin], routes, async () => text)
const TELLS_ALL =
  "`GREETING_WORD` `greetingSign` `GREETING_TOO_LONG` `greeting_given_total` `greeting:word` `greeter` `GET /greetings/:companyId`"

it("a manual that names everything lacks nothing, whichever way a path is written", async () => {
  expect(await lacks(TELLS_ALL)).toEqual([])
  expect(await lacks(TELLS_ALL.replace("/greetings/:companyId", "/api/whatsapp/greetings/{companyId}"))).toEqual([])
})

it("what a manual does not name is told, and a longer name does not stand for a shorter one", async () => {
  expect(await lacks(undefined)).toEqual(["plugins/greeting/README.md is missing"])
  expect(await lacks(TELLS_ALL.replace("GREETING_WORD", "GREETING_WORDS"))).toEqual([
    "plugins/greeting/README.md does not name GREETING_WORD",
  ])
  expect(await lacks(TELLS_ALL.replace("/greetings/:companyId", "/greetings/:companyId/all"))).toEqual([
    "plugins/greeting/README.md does not name /api/whatsapp/greetings/{companyId}",
  ])
  expect(await lacks("")).toHaveLength(7)
})
