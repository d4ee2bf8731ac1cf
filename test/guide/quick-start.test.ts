import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { expect, it } from "vitest"
import { temporaryFolder } from "../support/folder.ts"
import { SHELL } from "./words.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

it("A shell into which the lines of the quick start are pasted has a server", { timeout: 120_000 }, async () => {
  const folder = await temporaryFolder()
  // A group of its own, since npm and the server are children of the shell.
  const shell = spawn("bash", ["-c", SHELL.quickStart], {
    cwd: root,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, PORT: "0", WHATSAPP_SESSIONS_PATH: folder.path },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  })
  // When the server has ended too, and with it the last that writes there.
  const ended = once(shell, "close")
  try {
    const url = await new Promise<string>((resolve, reject) => {
      shell.once("exit", (code) => reject(new Error(`The shell ended with ${code}`)))
      createInterface({ input: shell.stdout }).on("line", (line) => {
        const found = /"url":"([^"]+)"/.exec(line)?.[1]
        if (found !== undefined) resolve(found)
      })
    })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    const answer = (await (await fetch(`${url}/api/whatsapp/settings`)).json()) as { data: Setting[] }
    const exported = answer.data
      .filter(({ source }) => source === "environment")
      .map(({ variable, value }) => [variable, value])
    expect(Object.fromEntries(exported)).toMatchObject({ WHATSAPP_MULTI_TENANT: true, WHATSAPP_MAX_SESSIONS: 1000 })
  } finally {
    if (shell.pid !== undefined && shell.exitCode === null) process.kill(-shell.pid, "SIGTERM")
    await ended
    await folder.remove()
  }
})

interface Setting {
  readonly variable: string
  readonly value: unknown
  readonly source: string
}
