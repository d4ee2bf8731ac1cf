import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { cp } from "node:fs/promises"
import { loadBaileys, trustRoot } from "../../adapters/provider/baileys/load-baileys.ts"
import { connect, type OldProgram, openOldProgram } from "../provider/import/folder.ts"
import { startSandbox, type Sandbox } from "../sandbox/index.ts"
import { companies } from "../serve/cli.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type Platform, startPlatform } from "../support/platform.ts"
import { connected, session } from "./stage.ts"

/** From a program that has nothing but Baileys and its folder to a server that many companies share, as users will do it. */
let sandbox: Sandbox
let program: OldProgram
let server: Platform | undefined
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  sandbox = await startSandbox()
  trustRoot(await loadBaileys(), sandbox.rootKey)
  folder = await temporaryFolder()
  program = await openOldProgram()
}, 60_000)

afterAll(async () => {
  await server?.kill()
  await sandbox.stop()
  await program.remove()
  await folder.remove()
})

test("a line of an old program is taken over, moved, exported and restored on another server: one link, no QR code", {
  timeout: 180_000,
}, async () => {
  const company = { id: "962302" }
  const owner = await sandbox.phone("4915112349701")
  const friend = await sandbox.phone("4915112349702")
  const old = connect(program, sandbox.url)
  await owner.link(await old.qr)
  await old.open
  await old.send(friend.number, "old to friend")
  await friend.waitFor({ text: "old to friend" })
  await friend.send(owner.number, "friend to old")
  await expect.poll(() => old.texts, { timeout: 10_000 }).toContain("friend to old")
  await old.end()
  await cp(program.folder, join(folder.path, "sessions", "company_962302"), { recursive: true })

  const stores = JSON.stringify({ archive: { adapter: "filesystem" } })
  const envFor = (data: string) => ({
    ...sandbox.env,
    WHATSAPP_SESSIONS_PATH: join(folder.path, data),
    WHATSAPP_STORES: stores,
    WHATSAPP_LOG_LEVEL: "info",
  })
  const first = envFor("first")
  const succeed = async (env: Record<string, string>, ...args: string[]): Promise<void> => {
    const { code, out, err } = await companies(args, env)
    expect([args, code, err], out).toEqual([args, 0, expect.any(String)])
  }
  /** A text in each direction over the running server. */
  const talk = async (words: string): Promise<void> => {
    const { status } = await (server as Platform).call("POST", "/api/whatsapp/send", {
      companyId: company.id,
      phone: friend.number,
      message: `${words} to friend`,
    })
    expect([200, 202]).toContain(status)
    await friend.waitFor({ text: `${words} to friend` }, 20_000)
    const { id } = await friend.send(owner.number, `friend to ${words}`)
    await expect
      .poll(
        async () => {
          const { body } = await (server as Platform).call("GET", `/api/whatsapp/messages/${company.id}?limit=200`)
          return (body["data"] as { message: string }[]).map(({ message }) => message)
        },
        { timeout: 20_000 },
      )
      .toContain(`friend to ${words}`)
    expect((await friend.sent(id)).retries).toBe(0)
  }

  await succeed(first, "migrate", "--from", join(folder.path, "sessions"))
  server = await startPlatform({ compiled: true, env: first })
  // It comes back by itself, since it was connected when the old program ended.
  await connected(server, company, 20_000)
  await talk("new")

  await succeed(first, "move", company.id, "--to", "archive", "--url", server.url)
  await connected(server, company, 20_000)
  expect(await session(server, company)).toMatchObject({ storage: "archive" })
  await talk("moved")

  await server.stop()
  await succeed(first, "move", company.id, "--to", "filesystem")
  const file = join(folder.path, "962302.ndjson")
  await succeed(first, "export", company.id, "--credentials", "--out", file)
  const second = envFor("second")
  await succeed(second, "import", company.id, "--from", file)
  server = await startPlatform({ compiled: true, env: second })
  await connected(server, company, 20_000)
  await talk("restored")

  const view = await sandbox.line(owner.number).view()
  expect(view.devices.map(({ id }) => id)).toEqual([1])
  // The only QR code there ever was is the old program's.
  expect((await sandbox.log()).filter(({ event }) => event === "registration")).toHaveLength(1)
  const { body } = await server.call("GET", `/api/whatsapp/messages/${company.id}?limit=200`)
  const texts = (body["data"] as { message: string }[]).map(({ message }) => message)
  for (const words of ["new", "moved", "restored"]) expect(texts).toContain(`${words} to friend`)

  const erased = await companies(["erase", company.id, "--yes", "--url", server.url, "--json"], second)
  expect(erased.json()).toMatchObject({ erased: true, unlinked: true })
  await expect.poll(async () => (await sandbox.line(owner.number).view()).devices, { timeout: 10_000 }).toEqual([])
})
