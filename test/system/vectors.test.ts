import { spawnSync } from "node:child_process"
import { expect, it } from "vitest"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { createTestSystem } from "../support/system.ts"
import { root } from "../support/platform.ts"
import { judgeVectors } from "./vectors.ts"

it("the ciphers of Node give the published results, and take no tag but a whole one", async () => {
  const { looked, wrong } = await judgeVectors(createNodeSystem())
  expect(wrong).toEqual([])
  expect(looked).toBe(42)
})

it("so do those of the machine that tests are given", async () => {
  expect((await judgeVectors(createTestSystem())).wrong).toEqual([])
})

it("and those of Deno", { timeout: 60_000 }, () => {
  const deno = `${root}node_modules/.bin/deno`
  const flags = ["run", "--quiet", `--allow-read=${root}`, "--allow-env", "--allow-sys"]
  const { stdout, stderr } = spawnSync(deno, [...flags, "test/system/vectors-main.ts"], { cwd: root, encoding: "utf8" })
  expect({ stdout, stderr }).toEqual({ stdout: '{"looked":42,"wrong":[]}\n', stderr: "" })
})
