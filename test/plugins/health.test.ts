import { describe, expect, it } from "vitest"
import { refuse } from "../../core/refusal.ts"
import health from "../../plugins/health/index.ts"
import { theBuiltIn } from "../support/built-in.ts"
import { createTestSystem } from "../support/system.ts"
import { createPluginHouse, type PluginHouse, session } from "./house.ts"

const MINUTE = 60_000

const houseWith = (config: Record<string, unknown> = {}, more = {}): Promise<PluginHouse> =>
  createPluginHouse({
    plugins: [
      [theBuiltIn("api-keys"), {}],
      [health, config],
    ],
    // One that answers at once: this clock waits for no disk.
    system: createTestSystem(),
    ...more,
  })

async function report(house: PluginHouse): Promise<Record<string, unknown>> {
  const answer = await house.call("GET", "/api/whatsapp/health")
  expect([answer.status, answer.json.success]).toEqual([200, true])
  return answer.json.data
}

describe("/healthz and /readyz", () => {
  it("answer anybody while all is well", async () => {
    const house = await houseWith()
    for (const path of ["/healthz", "/readyz"]) {
      const answer = await house.call("GET", path, { remoteAddress: "203.0.113.9" })
      expect([answer.status, answer.json.success]).toEqual([200, true])
    }
  })

  it("differ once shutdown has begun: alive, but not ready", async () => {
    const house = await houseWith()
    house.hooks.observe("app:closing", {})
    await house.hooks.drain()
    expect((await house.call("GET", "/healthz")).status).toBe(200)
    const ready = await house.call("GET", "/readyz")
    expect([ready.status, ready.json.error.code]).toEqual([503, "SHUTTING_DOWN"])
  })

  it("differ when storage fails, until it works again", async () => {
    const house = await houseWith()
    house.storage = async () => {
      throw new Error("canary: disk full")
    }
    await house.clock.advance(MINUTE)
    const ready = await house.call("GET", "/readyz")
    expect([ready.status, ready.json.error.code]).toEqual([503, "STORAGE_UNAVAILABLE"])
    expect(ready.text).not.toContain("canary")
    expect((await house.call("GET", "/healthz")).status).toBe(200)
    house.storage = (probe) => probe()
    await house.clock.advance(MINUTE)
    expect((await house.call("GET", "/readyz")).status).toBe(200)
    await house.stop()
  })

  it("do not wait for sessions that are coming back", async () => {
    const house = await houseWith()
    house.sessions = [session("a", { status: "connecting", connected: false, lastProofAt: null })]
    expect((await house.call("GET", "/readyz")).status).toBe(200)
  })
})

describe("GET /api/whatsapp/health", () => {
  it("needs to be allowed", async () => {
    const answer = await (await houseWith()).call("GET", "/api/whatsapp/health", { remoteAddress: "203.0.113.9" })
    expect(answer.status).toBe(401)
  })

  it("tells what there is", async () => {
    const house = await houseWith()
    await house.clock.advance(5_000)
    const now = house.clock.now()
    house.sessions = [
      session("a", { lastProofAt: now }),
      session("b", { status: "logged-out", connected: false }),
      session("c", { status: "qr", connected: false }),
    ]
    expect(await report(house)).toEqual({
      status: "healthy",
      provider: "baileys",
      totalSessions: 3,
      connectedSessions: 1,
      uptime: 5_000,
      checks: { storage: { ok: true }, disk: { ok: true }, eventLoop: { ok: true }, sessions: { ok: true } },
    })
    await house.stop()
  })

  it("is degraded by a line that is connected without a recent sign of life, and names no company", async () => {
    const house = await houseWith()
    house.sessions = [session("secret-shop", { lastProofAt: house.clock.now() })]
    house.prove = () => Promise.reject(new Error("no answer"))
    await house.clock.advance(90_000)
    expect((await report(house)).status).toBe("healthy")
    await house.clock.advance(1)
    const { status, checks } = await report(house)
    expect(status).toBe("degraded")
    expect(checks).toMatchObject({ sessions: { ok: false, detail: "1 connected without a recent sign of life" } })
    expect(JSON.stringify(checks)).not.toContain("secret-shop")
    await house.stop()
  })

  it("is degraded by a line that never gave one", async () => {
    const house = await houseWith()
    house.sessions = [session("a", { lastProofAt: null })]
    expect((await report(house)).status).toBe("degraded")
  })

  it("is degraded by a line that tries to come back", async () => {
    const house = await houseWith()
    house.sessions = [session("a", { status: "reconnecting", connected: false })]
    expect(await report(house)).toMatchObject({ status: "degraded", totalSessions: 1, connectedSessions: 0 })
  })

  it("asks lines that have been silent for a period, and only those", async () => {
    const house = await houseWith()
    const lines = (proofs: Record<string, number | null>) =>
      Object.entries(proofs).map(([company, lastProofAt]) => session(company, { lastProofAt }))
    await house.clock.settle()
    house.sessions = [
      ...lines({ fresh: house.clock.now() + 1, silent: house.clock.now() - 1, never: null }),
      session("away", { status: "disconnected", connected: false, lastProofAt: 0 }),
    ]
    await house.clock.advance(30_000)
    expect(house.proved.sort()).toEqual(["never", "silent"])
    await house.stop()
  })

  it("goes on looking after the storage while a hundred lines do not answer", async () => {
    const house = await houseWith()
    let probes = 0
    house.storage = async (probe) => {
      probes += 1
      await probe()
    }
    house.sessions = Array.from({ length: 100 }, (_, at) => session(`c${at}`, { lastProofAt: null }))
    house.prove = () => new Promise(() => undefined)
    await house.clock.advance(5 * MINUTE)
    expect(probes).toBeGreaterThanOrEqual(10)
    expect(house.proved.toSorted()).toEqual(house.sessions.map(({ companyId }) => companyId).toSorted())
  })

  it("is unhealthy when storage fails, or does not answer within 10 s", async () => {
    for (const storage of [() => Promise.reject(new Error("disk full")), () => new Promise<void>(() => undefined)]) {
      const house = await houseWith()
      house.storage = storage
      await house.clock.advance(45_000)
      const { status, checks } = await report(house)
      expect(status).toBe("unhealthy")
      expect(checks).toMatchObject({ storage: { ok: false } })
      expect(house.log.text()).toContain("Storage did not take and give back a record")
    }
  })

  it("is degraded by another plugin's check that fails, or throws", async () => {
    const house = await houseWith(
      {},
      {
        prepare: (hooks: PluginHouse["hooks"]) => {
          hooks.add("good", "health:check", () => ({ ok: true, detail: "3 of 3" }))
          hooks.add("bad", "health:check", () => {
            throw new Error("canary")
          })
        },
      },
    )
    await house.clock.settle()
    const { status, checks } = await report(house)
    expect(status).toBe("degraded")
    expect(checks).toMatchObject({ good: { ok: true, detail: "3 of 3" }, bad: { ok: false }, storage: { ok: true } })
    expect(JSON.stringify(checks)).not.toContain("canary")
    await house.stop()
  })

  it("does nothing of its own when it is told so, and still tells what is known", async () => {
    const house = await houseWith({ enabled: "false" })
    house.sessions = [session("a", { lastProofAt: null })]
    house.storage = () => Promise.reject(new Error("never asked"))
    await house.clock.advance(10 * MINUTE)
    expect(await report(house)).toMatchObject({ status: "degraded", checks: {}, connectedSessions: 1 })
    expect((await house.call("GET", "/readyz")).status).toBe(200)
    expect([house.proved, house.clock.armed]).toEqual([[], 0])
  })

  it("shows cached results: routes set nothing going", async () => {
    const house = await houseWith()
    await house.clock.settle()
    let probes = 0
    house.storage = async () => {
      probes += 1
    }
    for (let time = 0; time < 50; time++) await report(house)
    expect(probes).toBe(0)
    await house.stop()
  })

  it("leaves nothing running when it is stopped", async () => {
    const house = await houseWith()
    await house.clock.settle()
    await house.stop()
    expect(house.clock.armed).toBe(0)
  })
})

describe("A check by somebody without the right", () => {
  it("cannot be had by a refusal's detour", async () => {
    const house = await houseWith(
      {},
      {
        prepare: (hooks: PluginHouse["hooks"]) => hooks.add("guard", "request:identify", () => refuse("FORBIDDEN")),
      },
    )
    expect((await house.call("GET", "/api/whatsapp/health")).status).toBe(403)
  })
})
