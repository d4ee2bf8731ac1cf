import { execFile } from "node:child_process"
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { createContext, Script } from "node:vm"
import { pathToFileURL } from "node:url"
import { build } from "esbuild"
import { afterEach, describe, expect, it, vi } from "vitest"
import type { Listener } from "../../core/listen.ts"
import { createClient, sendMessage } from "../../core/serve/client/index.ts"
import { createNodeListen } from "../../core/serve/listen-node.ts"
import { ADMIN_KEY } from "../http/everything.ts"
import { temporaryFolder } from "../support/folder.ts"
import { root } from "../support/platform.ts"
import { type ClientHouse, openClientHouse } from "./client-house.ts"

const TIMEOUT = 60_000
const run = promisify(execFile)
const closing: (() => Promise<unknown>)[] = []

afterEach(async () => {
  vi.unstubAllEnvs()
  for (const close of closing.splice(0).reverse()) await close()
})

/** A whole server on a real port. */
async function open(env: Readonly<Record<string, string>> = {}): Promise<{ house: ClientHouse; listener: Listener }> {
  const house = await openClientHouse(env)
  closing.push(() => house.stop())
  const listener = await createNodeListen()({ host: "127.0.0.1", port: 0, fetch: house.everything.app.fetch })
  closing.push(() => listener.close())
  return { house, listener }
}

describe("The guide's two calls, as they stand there", () => {
  const phone = "79001234567"
  const message = "Hello from Company 123!"

  it("send in single-tenant mode", async () => {
    const { house, listener } = await open({ WHATSAPP_MULTI_TENANT: "false", DEFAULT_COMPANY_ID: "962302" })
    await house.link("962302")
    vi.stubEnv("SWITCHBOARD_URL", listener.url)
    vi.stubEnv("WHATSAPP_API_KEY", ADMIN_KEY)
    await sendMessage(phone, message)
    expect(house.sent("962302")).toEqual([message])
  })

  it("send in multi-tenant mode, with the client's own key before the server's", async () => {
    const { house, listener } = await open()
    await house.link("salon-1")
    vi.stubEnv("SWITCHBOARD_URL", `${listener.url}/`)
    vi.stubEnv("WHATSAPP_API_KEY", "the-key-of-another-server-here")
    vi.stubEnv("SWITCHBOARD_API_KEY", ADMIN_KEY)
    expect(await sendMessage(phone, message, { companyId: "salon-1" })).toMatchObject({ status: "sent" })
    await expect(sendMessage(phone, message)).rejects.toThrow("Company ID is required in multi-tenant mode")
    expect(house.sent("salon-1")).toEqual([message])
  })

  it("say that no server is there, and which name is wrong", async () => {
    vi.stubEnv("SWITCHBOARD_URL", "localhost:3000")
    await expect(sendMessage(phone, message)).rejects.toThrow(/^url: expected one that begins with https/)
    const { listener } = await open()
    await listener.close()
    const sending = createClient({ url: listener.url, retries: 0 }).sendMessage(phone, message, { companyId: "x" })
    await expect(sending).rejects.toMatchObject({ code: "NETWORK_ERROR", status: 0, isRetryable: true })
  })
})

describe("The example of the README", () => {
  const runtimes = [
    { name: "Node", command: (file: string) => [process.execPath, file] },
    {
      name: "Deno",
      command: (file: string, map: string) => [
        `${root}node_modules/.bin/deno`,
        ...["run", "--quiet", "--no-config", "--allow-net=127.0.0.1", "--allow-env", `--import-map=${map}`, file],
      ],
    },
  ]

  it.each(runtimes)("does what it says, on $name", { timeout: TIMEOUT }, async ({ command }) => {
    const { house, listener } = await open()
    await house.link("salon-1")
    const folder = await temporaryFolder()
    closing.push(() => folder.remove())
    await mkdir(join(folder.path, "node_modules/@switchboard"), { recursive: true })
    await symlink(root, join(folder.path, "node_modules/@switchboard/server"), "dir")
    const readme = await readFile(join(root, "README.md"), "utf8")
    const section = readme.slice(readme.indexOf("## From your own program"))
    const [, example = ""] = /```js\n([\s\S]*?)```/.exec(section) ?? []
    expect(example).toContain("http://localhost:3000")
    const file = join(folder.path, "example.mjs")
    await writeFile(file, example.replaceAll("http://localhost:3000", listener.url))
    const map = join(folder.path, "imports.json")
    const compiled = pathToFileURL(join(root, "dist/core/serve/client/index.js")).href
    await writeFile(map, JSON.stringify({ imports: { "@switchboard/server/client": compiled } }))
    const [program = "", ...args] = command(file, map)
    const env = { HOME: process.env.HOME, SWITCHBOARD_URL: listener.url, SWITCHBOARD_API_KEY: ADMIN_KEY }
    const { stdout } = await run(program, args, { cwd: folder.path, env })
    expect(stdout.trim().split("\n").at(-1)).toBe("message.sent")
    expect(house.sent("salon-1")).toEqual(["See you tomorrow at ten"])
  })
})

describe("In a browser", () => {
  it("is made of its own files alone, and works where there is nothing of Node's", {
    timeout: TIMEOUT,
  }, async () => {
    const { outputFiles, metafile } = await build({
      entryPoints: [join(root, "core/serve/client/index.ts")],
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      platform: "browser",
      target: "es2022",
      format: "iife",
      globalName: "client",
      logLevel: "silent",
    })
    expect(Object.keys(metafile.inputs).filter((file) => !file.startsWith("core/serve/client/"))).toEqual([])
    const { house, listener } = await open()
    await house.link("salon-1")
    const web = {
      ...{ AbortController, Blob, DOMException, Response, TextDecoder, URL, URLSearchParams, Uint8Array },
      ...{ clearTimeout, crypto, fetch, performance, setTimeout },
    }
    const world = createContext(web)
    const code = `${outputFiles[0]?.text ?? ""};client.createClient`
    const create = new Script(code).runInContext(world) as typeof createClient
    const browser = create({ url: listener.url, apiKey: ADMIN_KEY })
    expect(await browser.sendMessage("79001234567", "Hi", { companyId: "salon-1" })).toMatchObject({ status: "sent" })
    for await (const event of browser.sessions.events("salon-1", { after: 0 })) if (event.type === "message.sent") break
    expect(new Script("typeof process").runInContext(createContext({ ...web }))).toBe("undefined")
  })
})
