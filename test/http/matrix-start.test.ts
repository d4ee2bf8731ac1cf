import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import type { Plugin } from "../../core/plugin.ts"
import { StartError } from "../../core/settings/start-error.ts"
import { temporaryFolder } from "../support/folder.ts"
import { startMatrixHouse } from "./matrix-house.ts"

/** A route that does not say whose it is stops the start, whoever wrote it and in what. */

let folder: Awaited<ReturnType<typeof temporaryFolder>>
beforeAll(async () => {
  folder = await temporaryFolder()
})
afterAll(() => folder.remove())

/** A plugin in JavaScript, which no compiler has looked at. */
async function javaScript(name: string, spec: string): Promise<string> {
  const path = join(folder.path, `${name}.mjs`)
  await writeFile(
    path,
    `export default {
      name: "${name}",
      description: "A route of its own",
      setup({ route }) {
        route({
          spec: { method: "get", path: "/${name}", company: "none", summary: "", tag: "", responses: {}, ${spec} },
          handle: () => ({ success: true }),
        })
      },
    }`,
  )
  return path
}

const typed = (spec: object): Plugin => ({
  name: "typed",
  description: "A route of its own",
  setup({ route }) {
    const bare = { method: "get", path: "/typed", company: "none", summary: "", tag: "", responses: {}, ...spec }
    route({ spec: bare as never, handle: () => ({}) })
  },
})

describe("The start", () => {
  it.each([
    ["none", {}],
    ["one that is none", { scope: "root" }],
    ["an empty one", { scope: "" }],
    ["one that every object has", { scope: "constructor" }],
  ])("is refused for a route of a plugin with %s for its scope", async (_, spec) => {
    const start = startMatrixHouse({ plugins: [typed(spec)] })
    await expect(start).rejects.toBeInstanceOf(StartError)
    await expect(start).rejects.toThrow("typed: GET /typed: a route names the scope it needs")
  })

  it("is refused for one in JavaScript as well, and made with one that says it", async () => {
    const bad = startMatrixHouse({ plugins: [await javaScript("unscoped", "")] })
    await expect(bad).rejects.toThrow("unscoped: GET /unscoped: a route names the scope it needs")
    const house = await startMatrixHouse({ plugins: [await javaScript("scoped", 'scope: "operator"')] })
    expect((await house.call("GET", "/scoped")).status).toBe(200)
    expect((await house.call("GET", "/scoped", { address: "203.0.113.9" })).status).toBe(401)
    await house.stop()
  })

  it("names all of them at once", async () => {
    const start = startMatrixHouse({ plugins: [typed({}), await javaScript("second", "")] })
    await expect(start).rejects.toThrow(/typed: GET \/typed[^]*second: GET \/second/)
  })
})
