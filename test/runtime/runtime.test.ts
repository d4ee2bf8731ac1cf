import { spawn } from "node:child_process"
import { once } from "node:events"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { root } from "../support/platform.ts"

const MINUTES = 60_000
const PROMISED_MS = 60_000
const demo = fileURLToPath(new URL("./demo.ts", import.meta.url))

const runtimes = [
  { name: "Node", file: process.execPath, args: ["--import", "tsx", demo, "--check"] },
  { name: "Deno", file: `${root}node_modules/.bin/deno`, args: ["run", "-A", "--quiet", demo, "--check"] },
]

test.each(runtimes)(
  "a line is linked, sends, receives, is killed and goes on, on $name",
  { timeout: 2 * MINUTES },
  async ({ file, args }) => {
    const begun = performance.now()
    const child = spawn(file, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (output += chunk.toString()))
    await once(child, "close")
    expect(child.exitCode, output).toBe(0)
    const steps = [
      "its phone scans",
      "the answer is stored",
      "kill -9, and up again",
      "no new scan",
      "receives as before",
    ]
    expect(steps.filter((step) => !output.includes(step))).toEqual([])
    expect(performance.now() - begun).toBeLessThan(PROMISED_MS)
  },
)
