import { spawn, spawnSync } from "node:child_process"
import { createServer } from "node:net"
import process from "node:process"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { connectSandbox, startSandbox } from "./index.ts"

const FOLDER = fileURLToPath(new URL(".", import.meta.url))

/** Resolves with the first look that is true; fails after ten seconds. */
async function eventually(what: string, look: () => boolean | Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!(await look())) {
    if (Date.now() > end) throw new Error(`not within 10 s: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test("a sandbox lives in a process of its own and ends when it is stopped", async () => {
  const sandbox = await startSandbox()
  expect(sandbox.pid).not.toBe(process.pid)
  expect(sandbox.rootKey).toMatch(/^[0-9a-f]{64}$/)
  expect(sandbox.env).toEqual({ WHATSAPP_SOCKET_URL: sandbox.url, WHATSAPP_SOCKET_ROOT_KEY: sandbox.rootKey })
  await sandbox.stop()
  expect(lives(sandbox.pid)).toBe(false)
})

test("it ends when its parent is killed", async () => {
  const code = `import { startSandbox } from "./index.ts"
    const sandbox = await startSandbox()
    process.stdout.write(sandbox.pid + "\\n")
    setInterval(() => undefined, 1000)`
  const parent = spawn(process.execPath, ["--import", "tsx", "--input-type=module", "-e", code], { cwd: FOLDER })
  const pid = await new Promise<number>((resolve) => {
    createInterface({ input: parent.stdout }).once("line", (line) => resolve(Number(line)))
  })
  expect(lives(pid)).toBe(true)
  parent.kill("SIGKILL")
  await eventually("the end of the sandbox", () => !lives(pid))
})

test("what it knows outlives its callers, and another one may take over", async () => {
  const sandbox = await startSandbox()
  await sandbox.phone("+1 555 0100", { name: "Ann", read: true })
  const other = await connectSandbox(sandbox.control)
  expect(other.rootKey).toBe(sandbox.rootKey)
  const phone = await other.phone("15550100")
  expect(await phone.view()).toMatchObject({ name: "Ann", settings: { read: true } })
  await sandbox.stop()
})

test("the control surface is plain JSON over HTTP, with an error in words for what it cannot do", async () => {
  const sandbox = await startSandbox()
  const call = async (method: string, path: string, body?: string) => {
    const response = await fetch(sandbox.control + path, { method, ...(body === undefined ? {} : { body }) })
    return { status: response.status, json: (await response.json()) as Record<string, unknown> }
  }
  expect((await call("GET", "/")).json).toMatchObject({ url: sandbox.url, rootKey: sandbox.rootKey })
  expect((await call("PUT", "/phones/15550100", '{"name":"Ann"}')).json).toMatchObject({ phone: "15550100" })
  expect(await call("GET", "/phones/15550199")).toMatchObject({ status: 404, json: { error: "no such phone" } })
  expect((await call("GET", "/nowhere")).status).toBe(404)
  expect((await call("PUT", "/phones/15550100", "{")).status).toBe(400)
  expect((await call("PUT", "/phones/abc")).status).toBe(400)
  for (const wrong of ['{"reed":true}', '{"read":"yes"}', '{"reply":"ecco"}']) {
    expect((await call("PUT", "/phones/15550100", wrong)).status).toBe(400)
  }
  expect((await call("POST", "/phones/15550100/link", '{"qr":"nonsense"}')).json).toMatchObject({ code: "unknown-ref" })
  const page = await fetch(sandbox.control, { headers: { origin: "http://evil.example" } })
  expect(page.status).toBe(403)
  await sandbox.stop()
})

test("a port that is taken is an error that names it", async () => {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, "127.0.0.1", resolve))
  const address = holder.address()
  const port = typeof address === "object" && address ? address.port : 0
  await expect(startSandbox({ port })).rejects.toThrow(`port ${port} is taken`)
  holder.close()
})

test("the command line says how to point Switchboard at it", async () => {
  const help = spawnSync(process.execPath, ["--import", "tsx", "main.ts", "--help"], { cwd: FOLDER, encoding: "utf8" })
  expect(help.stdout).toContain("--control-port")
  const child = spawn(process.execPath, ["--import", "tsx", "main.ts"], { cwd: FOLDER })
  let output = ""
  child.stdout.on("data", (chunk: Buffer) => {
    output += chunk.toString()
  })
  await eventually("the words", () => output.includes("WHATSAPP_SOCKET_ROOT_KEY="))
  expect(output).toMatch(/WHATSAPP_SOCKET_URL=ws:\/\/127\.0\.0\.1:\d+\/ws\/chat/)
  child.kill("SIGTERM")
  await new Promise((resolve) => child.once("exit", resolve))
})

test("a mistake on the command line is one line, not a stack trace", () => {
  const run = spawnSync(process.execPath, ["--import", "tsx", "main.ts", "--prot", "1"], {
    cwd: FOLDER,
    encoding: "utf8",
  })
  expect(run.status).toBe(2)
  expect(run.stderr.trim().split("\n")).toHaveLength(1)
  expect(run.stderr).toContain("--prot")
})
