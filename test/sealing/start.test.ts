import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { memoryLedger } from "../../adapters/ledger/memory/index.ts"
import standard from "../../config/switchboard.config.ts"
import { type App, createApp } from "../../core/app.ts"
import { isStartError } from "../../core/settings/start-error.ts"
import { temporaryFolder } from "../support/folder.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import { KEY, OTHER_KEY } from "../support/sealing.ts"
import { createTestSystem } from "../support/system.ts"

/** The whole server on a data folder, started and stopped with one setting or another. */

const PASSWORD = "hidden-in-the-proxy"
const PASSPHRASE = "correct horse battery staple"

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let running: App | undefined
beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  await folder.remove()
})

interface Server {
  readonly log: TestLog
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: Record<string, unknown> }>
}

const HOST = { host: "localhost" }

async function start(env: Readonly<Record<string, string>>): Promise<Server> {
  await running?.stop()
  const system = createTestSystem()
  const given = { WHATSAPP_SESSIONS_PATH: folder.path, ...env }
  running = createApp({ config: standard, system: { ...standard.system(), openLog: system.openLog }, env: given })
  const app = running
  await app.start()
  return {
    log: system.log,
    async call(method, path, body) {
      const request = new Request(`http://localhost/api/whatsapp${path}`, {
        method,
        headers: body === undefined ? HOST : { ...HOST, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const answer = await app.fetch(request, { remoteAddress: "127.0.0.1" })
      return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
    },
  }
}

async function refusal(env: Readonly<Record<string, string>>): Promise<readonly string[]> {
  try {
    await start(env)
  } catch (thrown) {
    if (isStartError(thrown)) return thrown.problems
    throw thrown
  }
  return []
}

const make = async (server: Server, company = "salon-1"): Promise<void> => {
  const made = await server.call("PUT", `/companies/${company}`, {
    name: "Salon",
    proxy: `http://user:${PASSWORD}@127.0.0.1:9`,
  })
  expect(made.status).toBe(201)
}
const nameOf = async (server: Server, company = "salon-1"): Promise<unknown> =>
  ((await server.call("GET", `/companies/${company}`)).body.data as { name?: string } | undefined)?.name

/** The bytes of every value in the ledger. */
async function ledgerText(): Promise<string> {
  await running?.stop()
  running = undefined
  const ledger = await openLmdb({ folder: folder.path })
  const texts: string[] = []
  for (const company of ["", ...(await ledger.companies())]) {
    for (const record of (await ledger.dump(company, undefined, 1_000)).records) {
      texts.push(record.kind === "number" ? "" : Buffer.from(record.value).toString("latin1"))
    }
  }
  await ledger.close()
  return texts.join("\n")
}

const SEALED = { WHATSAPP_ENCRYPTION_KEY: KEY, WHATSAPP_ENCRYPT_MESSAGES: "true" }

const resealed = async (server: Server): Promise<Record<string, unknown>> => {
  const begun = await server.call("POST", "/encryption/reseal")
  expect(begun.status).toBe(202)
  const progress = async (): Promise<Record<string, unknown>> =>
    (await server.call("GET", "/encryption/reseal")).body.data as Record<string, unknown>
  await expect.poll(async () => (await progress()).state, { timeout: 20_000 }).not.toBe("running")
  return progress()
}

describe("the settings", () => {
  it.each([
    [{ WHATSAPP_ENCRYPTION_KEY: "too short" }, /^WHATSAPP_ENCRYPTION_KEY: expected 64 hex digits.*20 characters/],
    [{ WHATSAPP_ENCRYPT_MESSAGES: "true" }, /^WHATSAPP_ENCRYPT_MESSAGES: needs WHATSAPP_ENCRYPTION_KEY/],
    [{ WHATSAPP_ENCRYPT_MESSAGES: "on", WHATSAPP_ENCRYPTION_KEY: "" }, /^WHATSAPP_ENCRYPT_MESSAGES: needs/],
    [{ WHATSAPP_ENCRYPTION_KEYS_OLD: KEY }, /^WHATSAPP_ENCRYPTION_KEYS_OLD: needs WHATSAPP_ENCRYPTION_KEY/],
    [
      { ...SEALED, WHATSAPP_ENCRYPTION_KEYS_OLD: `${OTHER_KEY},short` },
      /^WHATSAPP_ENCRYPTION_KEYS_OLD: each: expected/,
    ],
  ])("stop the start with what is accepted, and never with what was given: %o", async (env, message) => {
    const problems = await refusal(env)
    expect(problems).toEqual([expect.stringMatching(message)])
    for (const secret of Object.values(env)) {
      if (secret.length > 4) expect(problems.join()).not.toContain(secret)
    }
  })

  it("take a passphrase, which opens what it sealed", async () => {
    const env = { WHATSAPP_ENCRYPTION_KEY: PASSPHRASE, WHATSAPP_ENCRYPT_MESSAGES: "true" }
    await make(await start(env))
    expect(await nameOf(await start(env))).toBe("Salon")
    expect(await refusal({ ...env, WHATSAPP_ENCRYPTION_KEY: `${PASSPHRASE}.` })).toHaveLength(1)
  })
})

describe("what is stored", () => {
  it("shows a proxy's password without a key, and nothing of it with one", async () => {
    await make(await start({}))
    expect(await ledgerText()).toContain(PASSWORD)
    await folder.remove()
    folder = await temporaryFolder()
    await make(await start(SEALED))
    expect(await ledgerText()).not.toContain(PASSWORD)
    await folder.remove()
    folder = await temporaryFolder()
    await make(await start({ WHATSAPP_ENCRYPTION_KEY: KEY }))
    expect(await ledgerText()).toContain(PASSWORD)
  })

  it("is never shown in logs, answers or errors together with a key", async () => {
    const server = await start({ ...SEALED, WHATSAPP_ENCRYPTION_KEYS_OLD: OTHER_KEY })
    await make(server)
    await resealed(server)
    const said = JSON.stringify([server.log.text(), (await server.call("GET", "/encryption/reseal")).body])
    for (const key of [KEY, OTHER_KEY, Buffer.from(KEY, "hex").toString("base64")]) expect(said).not.toContain(key)
  })
})

describe("a start on sealed records", () => {
  beforeEach(async () => {
    await make(await start(SEALED))
  })

  it.each<[string, Readonly<Record<string, string>>]>([
    ["without a key", {}],
    ["without the plugin", { ...SEALED, WHATSAPP_PLUGINS: "api-keys,validation,health,docs" }],
  ])("is refused %s, and the message says what to do", async (_what, env) => {
    const problems = await refusal(env)
    expect(problems).toEqual([expect.stringMatching(/^WHATSAPP_ENCRYPTION_KEY: .*sealed.*plugin.*encryption.*key/)])
    expect(await nameOf(await start(SEALED))).toBe("Salon")
  })

  it("is refused with a key that opens none of them", async () => {
    const problems = await refusal({ ...SEALED, WHATSAPP_ENCRYPTION_KEY: OTHER_KEY })
    expect(problems).toEqual([
      expect.stringMatching(/^WHATSAPP_ENCRYPTION_KEY: it opens none.*WHATSAPP_ENCRYPTION_KEYS_OLD/),
    ])
    expect(problems.join()).not.toContain(OTHER_KEY)
    // It has left no trace that would let it in the next time.
    expect(await refusal({ ...SEALED, WHATSAPP_ENCRYPTION_KEY: OTHER_KEY })).toHaveLength(1)
  })

  it("opens them with a new key as long as the old one is given, and without it once all is sealed anew", async () => {
    const rotated = { ...SEALED, WHATSAPP_ENCRYPTION_KEY: OTHER_KEY, WHATSAPP_ENCRYPTION_KEYS_OLD: KEY }
    const server = await start(rotated)
    expect(await nameOf(server)).toBe("Salon")
    await make(server, "salon-2")
    const done = await resealed(server)
    expect(done).toMatchObject({ state: "done", companies: { total: 2, done: 2, failed: 0 }, failures: [] })
    expect(done.records).toBeGreaterThan(0)
    expect(await resealed(server)).toMatchObject({ state: "done", records: 0 })
    const alone = await start({ ...SEALED, WHATSAPP_ENCRYPTION_KEY: OTHER_KEY })
    expect([await nameOf(alone), await nameOf(alone, "salon-2")]).toEqual(["Salon", "Salon"])
    expect(await refusal(SEALED)).toEqual([expect.stringMatching(/opens none/)])
  })

  it("tells that some do not open when a key was taken away too early, and names them", async () => {
    await make(
      await start({ ...SEALED, WHATSAPP_ENCRYPTION_KEY: OTHER_KEY, WHATSAPP_ENCRYPTION_KEYS_OLD: KEY }),
      "salon-2",
    )
    const server = await start({ ...SEALED, WHATSAPP_ENCRYPTION_KEY: OTHER_KEY })
    expect(server.log.text()).toMatch(/WHATSAPP_ENCRYPTION_KEYS_OLD/)
    expect(await nameOf(server, "salon-2")).toBe("Salon")
    const answer = await server.call("GET", "/companies/salon-1")
    expect(answer.body.error).toMatchObject({
      code: "RECORD_SEALED",
      message: expect.stringContaining("KEYS_OLD") as string,
    })
    expect(await resealed(server)).toMatchObject({
      state: "failed",
      companies: { total: 2, done: 1, failed: 1 },
      failures: [{ companyId: "salon-1", code: "RECORD_SEALED" }],
    })
  })

  it("keeps on sealing what is sealed when messages are no longer to be", async () => {
    const server = await start({ WHATSAPP_ENCRYPTION_KEY: KEY })
    expect((await server.call("PUT", "/companies/salon-1", { name: "Still hidden" })).status).toBe(200)
    expect(await nameOf(server)).toBe("Still hidden")
    const text = await ledgerText()
    expect(text).not.toContain("Still hidden")
    expect(text).not.toContain(PASSWORD)
  })
})

describe("switching it on for companies that are there", () => {
  it("reads what is plain, seals it anew, and takes no plain record afterwards", async () => {
    await make(await start({}))
    const server = await start(SEALED)
    expect(await nameOf(server)).toBe("Salon")
    expect(await resealed(server)).toMatchObject({ state: "done", companies: { total: 1, done: 1 } })
    expect(await nameOf(server)).toBe("Salon")
    expect(await ledgerText()).not.toContain(PASSWORD)

    const ledger = await openLmdb({ folder: folder.path })
    const { records } = await ledger.dump("salon-1", undefined, 100)
    const settings = records.find(({ table }) => table === "company")
    if (settings?.kind !== "row") throw new Error("No settings")
    await ledger.commit("salon-1", [{ op: "recode", ...settings, value: Uint8Array.of(1, 1, 0x80) }])
    await ledger.close()
    const answer = await (await start(SEALED)).call("GET", "/companies/salon-1")
    expect(answer.body.error).toMatchObject({ code: "RECORD_DAMAGED" })
  })

  it("takes no company of plain records that comes from nowhere once all is sealed", async () => {
    await start(SEALED)
    await running?.stop()
    const ledger = await openLmdb({ folder: folder.path })
    await ledger.commit("planted", [{ op: "put", table: "company", key: "settings", value: Uint8Array.of(1, 1, 0x80) }])
    await ledger.close()
    const answer = await (await start(SEALED)).call("GET", "/companies/planted")
    expect(answer.body.error).toMatchObject({ code: "RECORD_DAMAGED" })
  })
})

describe("the route", () => {
  it("refuses to seal anew without a key, and says which setting is missing", async () => {
    const server = await start({})
    const answer = await server.call("POST", "/encryption/reseal")
    expect(answer).toMatchObject({ status: 409, body: { error: { code: "ENCRYPTION_OFF" } } })
    expect((await server.call("GET", "/encryption/reseal")).body).toMatchObject({ data: { state: "idle" } })
  })
})

it("a server whose ledger forgets starts with a key as well", async () => {
  const config = { ...standard, ledger: memoryLedger }
  const log = createTestLog()
  running = createApp({
    config,
    system: { ...standard.system(), openLog: () => ({ log, close: () => undefined }) },
    env: { WHATSAPP_SESSIONS_PATH: folder.path, WHATSAPP_STORAGE: "memory", ...SEALED },
  })
  await running.start()
})
