import { expect, it } from "vitest"
import { orderPlugins } from "../../core/order.ts"
import type { Plugin } from "../../core/plugin.ts"

type Ties = Pick<Plugin, "provides" | "needs" | "after" | "errors" | "hooks">
const plugin = (name: string, ties: Partial<Ties> = {}): Plugin => ({
  name,
  description: `The plugin ${name}`,
  setup: () => undefined,
  ...ties,
})
const names = (plugins: readonly Plugin[]): string[] => plugins.map(({ name }) => name)

it("keeps the given order where nothing asks for another", () => {
  expect(names(orderPlugins([plugin("c"), plugin("a"), plugin("b")]).plugins)).toEqual(["c", "a", "b"])
})

it("puts a plugin behind those it comes after, and leaves out those that are not there", () => {
  const given = [plugin("limit", { after: ["blocking", "absent"] }), plugin("other"), plugin("blocking")]
  expect(orderPlugins(given)).toMatchObject({ problems: [] })
  expect(names(orderPlugins(given).plugins)).toEqual(["other", "blocking", "limit"])
})

it("puts a plugin behind the one that provides what it needs", () => {
  const given = [plugin("alerts", { needs: ["counters"] }), plugin("metrics", { provides: ["counters"] })]
  expect(names(orderPlugins(given).plugins)).toEqual(["metrics", "alerts"])
})

it("names the plugin and the service that nobody provides", () => {
  expect(orderPlugins([plugin("alerts", { needs: ["counters"] })]).problems).toEqual([
    "Plugin alerts needs counters, which no plugin provides",
  ])
})

it("names every plugin of a circle, and only those", () => {
  const given = [
    plugin("outside", { after: ["a"] }),
    plugin("a", { after: ["b"] }),
    plugin("b", { needs: ["c-service"] }),
    plugin("c", { after: ["a"], provides: ["c-service"] }),
  ]
  expect(orderPlugins(given).problems).toEqual(["Plugins wait for each other: a after b after c after a"])
})

it("finds a plugin that waits for itself", () => {
  expect(orderPlugins([plugin("a", { after: ["a"] })]).problems).toEqual(["Plugins wait for each other: a after a"])
})

it("finds two of one name, and two owners of a service, an error code or a hook, all at once", () => {
  const error = { status: 400, message: "No" }
  const shared: Partial<Ties> = { provides: ["s"], errors: { CODE: error }, hooks: { "x:y": "guard" } }
  const { problems } = orderPlugins([plugin("a", shared), plugin("b", shared), plugin("a")])
  expect(problems).toEqual([
    "Plugins a and b both provide the service s",
    "Plugins a and b both declare the error code CODE",
    "Plugins a and b both declare the hook x:y",
    "Plugin a is there twice",
  ])
})
