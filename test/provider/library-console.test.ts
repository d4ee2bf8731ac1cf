import { execFile } from "node:child_process"
import { fileURLToPath } from "node:url"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"

const loud = fileURLToPath(new URL("fixtures/loud.ts", import.meta.url))

/** Everything that the program wrote, to either output. */
async function written(...args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ["--import", "tsx", loud, ...args], {
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout + stderr
}

/** What of secrets shows: a key as Node prints bytes, a number, a text. */
const SECRETS = [/63 61 6e 61 72 79/, /7916\d{7}/, /canary/]

describe("What libsignal and Baileys write past every logger", () => {
  it("shows keys, numbers and stanzas when nobody catches it", async () => {
    const text = await written("loud")
    for (const secret of SECRETS) expect(text).toMatch(secret)
    expect(text).toContain("Closing session:")
    expect(text).toContain("parseGroupResult")
  }, 60_000)

  it("does not come out once the provider is made, and what others say does", async () => {
    const text = await written("quiet")
    expect(text).toBe("spoken by the program itself: still here\n")
  }, 60_000)

  it("is a sentence without its objects in the log at level debug", async () => {
    const text = await written("quiet", "debug")
    for (const secret of SECRETS) expect(text).not.toMatch(secret)
    const lines = text.trim().split("\n")
    expect(lines.pop()).toBe("spoken by the program itself: still here")
    const said = new Set(lines.map((line) => (JSON.parse(line) as { msg: string }).msg))
    expect([...said].map((sentence) => sentence.slice(0, 20))).toEqual(
      expect.arrayContaining(["Closing session:", "Opening session:", "Session already open", "Removing old closed "]),
    )
  }, 60_000)
})
