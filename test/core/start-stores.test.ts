import { afterEach, describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { type App, createApp } from "../../core/app.ts"
import { appError } from "../../core/errors.ts"
import { definePlugin, z } from "../../core/plugin.ts"
import { isStartError } from "../../core/settings/start-error.ts"
import { type OpenStore, type StorageAdapter, StoreFault } from "../../core/store.ts"
import { idle } from "../support/idle-provider.ts"
import { createTestEgress } from "../support/egress.ts"
import { createTestSystem, type TestSystem } from "../support/system.ts"

/** Reads the health checks from inside. */
const checked: Record<string, { ok: boolean; detail?: string }>[] = []
const doctor = definePlugin({
  name: "doctor",
  description: "Looks at the checks when everything is up",
  setup({ on, healthChecks }) {
    on("app:ready", async () => void checked.push(await healthChecks()))
  },
})

const apps: App[] = []
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.stop()))
  checked.length = 0
})

/** A server whose store `remote` answers its check like this. */
function server(check: OpenStore["check"], env: Record<string, string> = { WHATSAPP_STORAGE: "remote" }) {
  const remote: StorageAdapter = {
    name: "remote",
    config: z.object({ url: z.string().optional(), bucket: z.string().optional() }),
    env: { REMOTE_URL: { key: "url", secret: true } },
    async open(options) {
      return { ...(await memoryStorage.open(options)), check }
    },
  }
  const system: TestSystem = createTestSystem()
  const app = createApp({
    config: {
      plugins: [doctor],
      providers: [idle],
      stores: [memoryStorage, remote],
      ledger: { name: "memory", open: async () => createMemoryLedger() },
      system: () => system,
      clock: createClock,
      egress: createTestEgress,
    },
    env: { WHATSAPP_PROVIDER: "idle", ...env },
  })
  apps.push(app)
  return { app, log: system.log }
}

const away = (): Promise<never> =>
  Promise.reject(appError("STORAGE_UNAVAILABLE", { cause: new Error("connect ECONNREFUSED") }))

describe("a start", () => {
  it("goes on while the standard store is away, says why, and health names the store", async () => {
    const { app, log } = server(away)
    await app.start()
    expect(log.lines).toContainEqual({
      level: "error",
      fields: { store: "remote", error: "connect ECONNREFUSED" },
      message: "This store cannot be used now; its companies wait until it can",
    })
    await expect.poll(() => checked).toMatchObject([{ stores: { ok: false, detail: "cannot be reached: remote" } }])
  })

  it("is refused when the standard store is set up wrongly, with the variable and the remedy", async () => {
    const { app } = server(() => Promise.reject(new StoreFault("url", "the password is refused; mend it in the URL")))
    const refused: unknown = await app.start().catch((thrown: unknown) => thrown)
    expect(isStartError(refused) && refused.problems).toEqual([
      "REMOTE_URL: the store remote: the password is refused; mend it in the URL",
    ])
  })

  it("says once what a server keeps less than the store promises", async () => {
    const { app, log } = server(async () => ["appendonly is off: a crash of the server loses what it had"])
    await app.start()
    const said = () => log.lines.filter(({ message }) => message.startsWith("appendonly is off"))
    await expect.poll(said).toMatchObject([{ level: "warn", fields: { store: "remote" } }])
    await expect.poll(() => checked).toMatchObject([{ stores: { ok: true } }])
    expect(said()).toHaveLength(1)
  })

  it("goes on when another named store is set up wrongly, and says which", async () => {
    const { app, log } = server(() => Promise.reject(new StoreFault("bucket", "there is no bucket of that name")), {
      WHATSAPP_STORAGE: "memory",
      WHATSAPP_STORES: '{"archive":{"adapter":"remote"}}',
    })
    await app.start()
    await expect
      .poll(() => log.lines.filter(({ level }) => level === "error"))
      .toMatchObject([{ fields: { store: "archive", error: "there is no bucket of that name" } }])
  })
})
