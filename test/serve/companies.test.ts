import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { finishPairing, openOldProgram } from "../provider/import/folder.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type Platform, startPlatform } from "../support/platform.ts"
import { companies, type Ran } from "./cli.ts"

const MINUTE = 60_000
const STORES = JSON.stringify({ archive: { adapter: "filesystem" } })

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let env: Record<string, string>
let server: Platform | undefined

const run = (...args: string[]): Promise<Ran> => companies(args, env)
const at = (path: string): string => join(folder.path, path)

beforeEach(async () => {
  folder = await temporaryFolder()
  env = { WHATSAPP_SESSIONS_PATH: join(folder.path, "data"), WHATSAPP_STORES: STORES, WHATSAPP_LOG_LEVEL: "info" }
})

afterEach(async () => {
  await server?.kill()
  server = undefined
  await folder.remove()
})

/** A folder as the library writes it, of a line whose number ends so. */
async function oldLine(path: string, number: string): Promise<void> {
  const program = await openOldProgram()
  await finishPairing(program, `${number}:3@s.whatsapp.net`)
  await program.state.keys.set({ "lid-mapping": { [number]: "200000000000001" } })
  await mkdir(path, { recursive: true })
  for (const [name, bytes] of await program.files()) await writeFile(join(path, name), bytes)
  await program.remove()
}

/** What is in a folder, file by file. */
async function contents(path: string): Promise<Record<string, string>> {
  const names = await readdir(path, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return Object.fromEntries(await Promise.all(files.sort().map(async (file) => [file, await readFile(file, "utf8")])))
}

async function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })
}

describe("companies from the command line, with no server running", () => {
  test("a sessions folder of company_<id> folders is migrated: seen dry, backed up, imported, and left as it is", {
    timeout: MINUTE,
  }, async () => {
    await oldLine(at("sessions/company_962302"), "4915112348001")
    await oldLine(at("sessions/company_b"), "4915112348002")
    await mkdir(at("sessions/company_empty"))
    await oldLine(at("sessions/somebody"), "4915112348003")
    const before = await contents(at("sessions"))
    const dry = await run("migrate", "--from", at("sessions"), "--dry-run")
    expect(dry.code).toBe(0)
    expect(dry.out).toContain("962302: would be imported: linked as +4915112348001")
    expect(dry.err).toContain("somebody holds a line and does not say whose")
    expect((await run("list", "--json")).json()).toEqual([])
    expect(await readdir(folder.path)).toEqual(["data", "sessions"])

    const done = await run("migrate", "--from", at("sessions"), "--json")
    expect(done.code).toBe(0)
    const { backup, companies: moved } = done.json<{ backup: string; companies: { company: string }[] }>()
    expect(moved.map(({ company }) => company)).toEqual(["962302", "b"])
    expect(await contents(at("sessions"))).toEqual(before)
    const copies = Object.values(await contents(backup))
    expect(copies).toEqual(Object.entries(before).flatMap(([file, text]) => (file.includes("company_") ? [text] : [])))
    expect((await stat(backup)).mode & 0o777).toBe(0o700)
    const listed = await run("list")
    expect(listed.out).toMatch(/^962302\s+filesystem\s+baileys\s+idle/m)
    // Again: what is here already is worth as much.
    const again = await run("migrate", "--from", at("sessions"), "--backup", at("copies"))
    expect(again.code).toBe(1)
    expect(again.out).toContain("The same link is here with the same counters")
    expect(await readdir(at("copies"))).toHaveLength(1)
  })

  test("creds.json in the folder itself needs to be told whose it is, or DEFAULT_COMPANY_ID", {
    timeout: MINUTE,
  }, async () => {
    await oldLine(at("sessions"), "4915112348001")
    const nameless = await run("migrate", "--from", at("sessions"))
    expect([nameless.code, nameless.err]).toEqual([2, expect.stringContaining("--to-company")])
    expect((await run("migrate", "--from", at("sessions"), "--to-company", "salon-1")).code).toBe(0)
    expect((await run("list", "--json")).json()).toMatchObject([{ companyId: "salon-1" }])
    env["DEFAULT_COMPANY_ID"] = "salon-2"
    const twin = await run("migrate", "--from", at("sessions"))
    expect(twin.out).toContain("Company salon-1 is this very link")
    expect((await run("migrate", "--from", at("nowhere"))).code).toBe(1)
    expect((await run("migrate", "--from", at("data"), "--to-company", "x")).err).toContain("neither creds.json nor")
  })

  test.each([
    ["plain", {}],
    ["sealed", { WHATSAPP_ENCRYPTION_KEY: "7e".repeat(32), WHATSAPP_ENCRYPT_MESSAGES: "true" }],
  ])(
    "a %s company moves to another store, is exported, erased, and restored from its export with its credentials",
    {
      timeout: 2 * MINUTE,
    },
    async (_, more) => {
      env = { ...env, ...more }
      await oldLine(at("line"), "4915112348001")
      await oldLine(at("other"), "4915112348002")
      expect((await run("import", "salon-1", "--from", at("line"), "--dry-run")).out).toContain("would be imported")
      expect((await run("import", "salon-1", "--from", at("line"))).code).toBe(0)
      expect((await run("import", "salon-2", "--from", at("other"))).code).toBe(0)
      const moved = await run("move", "salon-1", "--to", "archive")
      expect([moved.code, moved.out]).toEqual([0, "salon-1 is in archive now\n"])
      expect((await run("move", "salon-1", "--to", "archive")).out).toContain("already")
      const nowhere = await run("move", "salon-1", "--to", "nowhere")
      expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining("expected one of")])
      expect((await run("move", "nobody", "--to", "archive")).code).toBe(1)

      const exported = await run("export", "salon-1", "--credentials", "--out", at("salon-1.ndjson"))
      expect(exported.code).toBe(0)
      expect((await stat(at("salon-1.ndjson"))).mode & 0o777).toBe(0o600)
      const plain = await run("export", "salon-1")
      expect(plain.out.split("\n").filter((line) => line.startsWith('{"kind":"auth"'))).toEqual([])
      const others = await run("export", "salon-2", "--credentials")
      expect((await run("erase", "salon-1")).code).toBe(2)
      expect((await run("erase", "salon-1", "--yes")).out).toContain("salon-1 is erased")
      const left = Object.values(await contents(at("data"))).join("")
      expect((await run("list", "--json")).json()).toMatchObject([{ companyId: "salon-2" }])
      expect(left).not.toContain("salon-1/")
      expect((await readdir(at("data"), { recursive: true })).filter((name) => name.includes("salon-1"))).toEqual([])

      const text = await readFile(at("salon-1.ndjson"), "utf8")
      await writeFile(at("cut.ndjson"), text.slice(0, -100))
      const cut = await run("import", "salon-1", "--from", at("cut.ndjson"))
      expect([cut.code, cut.err]).toEqual([1, expect.stringContaining("cut off")])
      expect((await run("import", "salon-1", "--from", at("salon-1.ndjson"))).code).toBe(0)
      const again = await run("export", "salon-1", "--credentials")
      const auth = (out: string): string[] => out.split("\n").filter((line) => line.startsWith('{"kind":"auth"'))
      expect(auth(again.out)).toEqual(auth(text))
      expect(auth((await run("export", "salon-2", "--credentials")).out)).toEqual(auth(others.out))
    },
  )

  test("says what is wrong with a wrong use, and shows help for each command", { timeout: MINUTE }, async () => {
    for (const args of [[], ["frob"], ["list", "--frob"], ["move", "x"], ["erase", "x"], ["import", "x"], ["export"]]) {
      const { code, out, err } = await run(...args)
      expect([args, code]).toEqual([args, 2])
      expect(`${out}${err}`.trim(), args.join(" ")).not.toBe("")
    }
    for (const command of ["list", "move", "export", "import", "migrate", "erase", "reseal"]) {
      const { code, out } = await run(command, "--help")
      expect([code, out]).toEqual([0, expect.stringContaining(`npm run companies -- ${command}`)])
    }
    expect((await run("--help")).code).toBe(0)
    const json = await run("erase", "nobody", "--yes", "--json")
    expect(json.code).toBe(1)
    expect(json.json()).toMatchObject({
      error: { code: "NOT_FOUND", remedy: expect.stringContaining("list") as string },
    })
    const reseal = await run("reseal")
    expect([reseal.code, reseal.err]).toEqual([1, expect.stringContaining("Set WHATSAPP_ENCRYPTION_KEY")])
    env["WHATSAPP_MAX_SESSIONS"] = "many"
    const wrong = await run("list")
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining("WHATSAPP_MAX_SESSIONS")])
  })
})

describe("companies from the command line, beside a running server", () => {
  test("every command goes through the server that has the data folder, with its key", {
    timeout: 2 * MINUTE,
  }, async () => {
    const port = await freePort()
    env = { ...env, PORT: String(port), WHATSAPP_API_KEY: "an-admin-key-of-enough-characters" }
    await oldLine(at("line"), "4915112348001")
    server = await startPlatform({ compiled: true, env: { ...env, WHATSAPP_SOCKET_URL: "ws://127.0.0.1:1" } })
    expect((await run("import", "salon-1", "--from", at("line"))).code).toBe(0)
    const headers = { "x-api-key": "an-admin-key-of-enough-characters" }
    const { body } = await server.call("GET", "/api/whatsapp/sessions/salon-1", undefined, headers)
    expect(body.data).toMatchObject({ status: "idle", user: { phone: "4915112348001" } })
    expect((await run("move", "salon-1", "--to", "archive", "--json")).json()).toMatchObject({ storage: "archive" })
    expect((await run("list")).out).toContain("archive")
    expect((await run("export", "salon-1", "--credentials", "--out", at("x.ndjson"))).code).toBe(0)
    const there = await run("import", "salon-1", "--from", at("x.ndjson"))
    expect([there.code, there.err]).toEqual([1, expect.stringContaining("--force")])
    expect((await run("import", "salon-1", "--from", at("x.ndjson"), "--force")).code).toBe(0)
    expect((await run("erase", "salon-1", "--yes")).code).toBe(0)
    expect((await run("list", "--json")).json()).toEqual([])

    const keyless = await companies(["list"], { ...env, WHATSAPP_API_KEY: "" })
    expect([keyless.code, keyless.err]).toEqual([1, expect.stringContaining("Set WHATSAPP_API_KEY")])
    const elsewhere = await companies(["list", "--url", "http://127.0.0.1:1"], env)
    expect([elsewhere.code, elsewhere.err]).toEqual([1, expect.stringContaining("No server answers")])
    const nowhere = await companies(["list"], { ...env, PORT: "0" })
    expect([nowhere.code, nowhere.err]).toEqual([1, expect.stringContaining("--url")])
  })
})
