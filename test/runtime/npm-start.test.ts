import { spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { temporaryFolder } from "../support/folder.ts"

const root = fileURLToPath(new URL("../..", import.meta.url))

test("npm start: a SIGTERM to npm reaches the server, which ends with exit code 0", { timeout: 120_000 }, async () => {
  const { path, remove } = await temporaryFolder()
  const npm = spawn("npm", ["start"], {
    cwd: root,
    env: { ...process.env, PORT: "0", WHATSAPP_SESSIONS_PATH: path },
    stdio: ["ignore", "pipe", "inherit"],
  })
  try {
    const url = await new Promise<string>((resolve, reject) => {
      npm.once("exit", (code) => reject(new Error(`npm ended with ${code}`)))
      createInterface({ input: npm.stdout }).on("line", (line) => {
        const found = /"url":"([^"]+)"/.exec(line)?.[1]
        if (found) resolve(found)
      })
    })
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
    npm.kill("SIGTERM")
    const [code] = (await once(npm, "exit")) as [number | null]
    expect(code).toBe(0)
    await expect(fetch(`${url}/healthz`)).rejects.toThrow()
  } finally {
    npm.kill("SIGKILL")
    await remove()
  }
})
