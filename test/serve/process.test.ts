import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { startPlatform } from "../support/platform.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "process-"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

interface Ended {
  readonly code: number | null
  readonly said: string
}

/** Starts the server as a user would, and waits for its end. */
async function ends(env: Readonly<Record<string, string>>): Promise<Ended> {
  const { PATH, HOME } = process.env
  const child = spawn(process.execPath, ["--import", "tsx", "core/serve/node.ts"], {
    cwd: root,
    env: { PATH, HOME, PORT: "0", WHATSAPP_SESSIONS_PATH: join(folder, "own"), ...env },
    stdio: ["ignore", "ignore", "pipe"],
  })
  const chunks: Buffer[] = []
  child.stderr.on("data", (chunk: Buffer) => chunks.push(chunk))
  await once(child, "close")
  return { code: child.exitCode, said: Buffer.concat(chunks).toString() }
}

describe("the server as a process", () => {
  it("says every bad setting in one message, without a stack, and ends with 1", async () => {
    const { code, said } = await ends({ PORT: "seventy", HOST: "0.0.0.0", WHATSAPP_MAX_SESSIONS: "0" })
    expect(code).toBe(1)
    expect(said.trim().split("\n")).toEqual([
      "Switchboard cannot start:",
      "  PORT: expected a port from 0 to 65535",
      "  WHATSAPP_MAX_SESSIONS: expected a whole number from 1",
      expect.stringMatching(/^ {2}WHATSAPP_API_KEY: .*HOST.*24 characters$/),
    ])
  })

  it("says in one line that the folder or the port is taken; SIGTERM ends the one that has them with 0", async () => {
    const data = join(folder, "taken")
    const first = await startPlatform({ env: { WHATSAPP_SESSIONS_PATH: data } })
    try {
      const { port } = new URL(first.url)
      const [sameFolder, samePort] = await Promise.all([ends({ WHATSAPP_SESSIONS_PATH: data }), ends({ PORT: port })])
      expect(sameFolder.code).toBe(1)
      expect(sameFolder.said.trim()).toMatch(
        new RegExp(
          `^Switchboard cannot start: WHATSAPP_SESSIONS_PATH: .*taken is in use by process ${first.pid}\\b.*$`,
        ),
      )
      expect(samePort).toEqual({
        code: 1,
        said: `Switchboard cannot start: PORT: ${port} on 127.0.0.1 is taken; stop the program that uses it or set another PORT\n`,
      })
    } finally {
      expect(await first.stop()).toBe(0)
    }
  })

  it("says in one line that the config file is not there, or is none", async () => {
    await writeFile(join(folder, "half.config.mjs"), "export default { plugins: [] }\n")
    const [absent, half] = await Promise.all([
      ends({ WHATSAPP_CONFIG: join(folder, "absent.config.ts") }),
      ends({ WHATSAPP_CONFIG: join(folder, "half.config.mjs") }),
    ])
    expect(absent.code).toBe(1)
    expect(absent.said).toMatch(
      /^Switchboard cannot start: WHATSAPP_CONFIG: .*absent\.config\.ts cannot be loaded \(.*\)\n$/,
    )
    expect(half.code).toBe(1)
    expect(half.said).toContain("providers must be a list")
  })

  it("runs with the plugins and the config that it is told to", async () => {
    await writeFile(
      join(folder, "pong.mjs"),
      `export default { name: "pong", description: "Answers", setup({ route }) {
        route({ spec: { method: "get", path: "/pong", scope: "none", company: "none", summary: "P", tag: "P", responses: {} }, handle: () => ({ pong: true }) })
      } }\n`,
    )
    const platform = await startPlatform({
      env: {
        WHATSAPP_CONFIG: "config/switchboard.config.ts",
        WHATSAPP_PLUGINS: `${join(folder, "pong.mjs")},api-keys,validation`,
        WHATSAPP_SESSIONS_PATH: join(folder, "plugins"),
      },
    })
    try {
      expect(await platform.call("GET", "/pong")).toMatchObject({ status: 200, body: { pong: true } })
      expect(await platform.call("GET", "/healthz")).toMatchObject({ status: 404 })
    } finally {
      expect(await platform.stop()).toBe(0)
    }
  })
})
