import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openRedis, type RedisOptions } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { openCompanyStore } from "../../core/storage.ts"
import type { AuthStore, OpenStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { eventually } from "../suites/store-claims/subject.ts"
import { type HeldProxy, startHeldProxy } from "../support/held-proxy.ts"
import { createTestLog } from "../support/log.ts"
import { findRedis, type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts"

const TIMEOUT_MS = 400
/** Waiting for a connection, for an answer, and for the machine. */
const BOUND_MS = 3 * TIMEOUT_MS + 5_000

describe.skipIf(findRedis() === undefined)(`a Redis server that fails${redisMissing}`, () => {
  let server: RedisServer
  let stores: OpenStore[]
  let proxies: HeldProxy[]

  const open = async (options: Partial<RedisOptions> = {}): Promise<OpenStore> => {
    const base = { url: server.url, instance: "a", timeoutMs: TIMEOUT_MS, clock: createClock(), log: createTestLog() }
    const store = await openRedis({ ...base, ...options })
    stores.push(store)
    return store
  }
  const proxied = async (): Promise<HeldProxy> => {
    const proxy = await startHeldProxy(server.port)
    proxies.push(proxy)
    return proxy
  }
  const through = (proxy: HeldProxy, options: Partial<RedisOptions> = {}): Promise<OpenStore> =>
    open({ url: `redis://127.0.0.1:${proxy.port}`, ...options })
  const company = (store: OpenStore, id = "acme", fence = 1): AuthStore =>
    openCompanyStore(store, leaseOf(id, fence), tools)
  const text = (value: Uint8Array | undefined): string => new TextDecoder().decode(value)
  const read = async (store: OpenStore, key: string): Promise<string> =>
    text((await company(store).load("session", [key]))[key])
  const healed = (store: OpenStore): Promise<true> =>
    eventually(async () => (await codeOf(store.check())) === "none" || undefined)

  beforeEach(async () => {
    stores = []
    proxies = []
    server = await startRedis()
  })
  afterEach(async () => {
    server.thaw()
    await Promise.all(stores.map((store) => store.close()))
    await Promise.all(proxies.map((proxy) => proxy.close()))
    await server.remove()
  })

  it("is opened while the server is away, says so, and works by itself once it is there", async () => {
    await server.stop()
    const store = await open()
    const began = performance.now()
    expect(await codeOf(store.check())).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(company(store).load("creds", ["me"]))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(company(store).save({ creds: { me: bytes("1") } }))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.driver.companies())).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.claims?.claim("acme") ?? Promise.resolve())).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.atomic?.increment("k", 1) ?? Promise.resolve())).toBe("STORAGE_UNAVAILABLE")
    expect(performance.now() - began).toBeLessThan(6 * BOUND_MS)
    await server.start()
    await healed(store)
    await company(store).save({ creds: { me: bytes("1") } })
  })

  it("keeps every commit that resolved, whole and in order, over kills of the server under load", {
    timeout: 60_000,
  }, async () => {
    const store = await open()
    const last = new Map<string, number>()
    let running = true
    let refused = 0
    const work = async (id: string): Promise<void> => {
      for (let turn = 1; running; turn++) {
        const value = bytes(`${turn}`)
        const code = await codeOf(company(store, id).save({ session: { a: value, b: value }, creds: { me: value } }))
        if (code === "none") last.set(id, turn)
        else refused++
      }
    }
    const workers = ["w1", "w2", "w3"].map(work)
    for (let kill = 0; kill < 3; kill++) {
      const before = last.get("w1") ?? 0
      await eventually(async () => (last.get("w1") ?? 0) > before + 20 || undefined)
      await server.stop("SIGKILL")
      await eventually(async () => refused > 3 * kill || undefined)
      await server.start()
    }
    await eventually(async () => (last.get("w1") ?? 0) > 100 || undefined)
    running = false
    await Promise.all(workers)
    for (const [id, turn] of last) {
      const session = await company(store, id).load("session", ["a", "b"])
      const creds = await company(store, id).load("creds", ["me"])
      const values = [session["a"], session["b"], creds["me"]].map(text)
      expect(new Set(values).size, id).toBe(1)
      expect(Number(values[0]), id).toBeGreaterThanOrEqual(turn)
    }
  })

  it("refuses in bounded time while the server hangs, and goes on when it answers again", {
    timeout: 60_000,
  }, async () => {
    const store = await open()
    const acme = company(store)
    await acme.save({ session: { a: bytes("0") } })
    server.freeze()
    const began = performance.now()
    const codes = await Promise.all([
      ...Array.from({ length: 50 }, (_, at) => codeOf(acme.save({ session: { a: bytes(`${at}`) } }))),
      ...Array.from({ length: 50 }, () => codeOf(acme.load("session", ["a"]))),
      ...Array.from({ length: 50 }, (_, at) =>
        codeOf(company(store, `other-${at}`).save({ creds: { me: bytes("1") } })),
      ),
    ])
    expect(new Set(codes)).toEqual(new Set(["STORAGE_UNAVAILABLE"]))
    expect(performance.now() - began).toBeLessThan(BOUND_MS)
    // Known to be away by now: nobody waits again.
    const again = performance.now()
    expect(await codeOf(acme.save({ session: { a: bytes("x") } }))).toBe("STORAGE_UNAVAILABLE")
    expect(performance.now() - again).toBeLessThan(BOUND_MS)
    server.thaw()
    await healed(store)
    await acme.save({ session: { a: bytes("after") } })
    expect(await read(store, "a")).toBe("after")
  })

  it("refuses in bounded time while the server takes no writes (CLIENT PAUSE)", { timeout: 60_000 }, async () => {
    const store = await open()
    const acme = company(store)
    await acme.save({ session: { a: bytes("0") } })
    await server.client().call("CLIENT", ["PAUSE", "60000", "WRITE"])
    const began = performance.now()
    expect(await codeOf(acme.save({ session: { a: bytes("1") } }))).toBe("STORAGE_UNAVAILABLE")
    expect(performance.now() - began).toBeLessThan(BOUND_MS)
    await server.client().call("CLIENT", ["UNPAUSE"])
    await healed(store)
    await acme.save({ session: { a: bytes("2") } })
    expect(await read(store, "a")).toBe("2")
  })

  it("holds no more than a bounded number of commits while it waits", { timeout: 60_000 }, async () => {
    const store = await open({ timeoutMs: 2_000 })
    await company(store).save({ session: { a: bytes("0") } })
    server.freeze()
    const value = new Uint8Array(10_000)
    const began = performance.now()
    let early = 0
    const codes = await Promise.all(
      Array.from({ length: 10_000 }, async (_, at) => {
        const code = await codeOf(store.driver.commit(`c${at % 100}`, [{ key: `session/${at}`, value }], 1))
        if (performance.now() - began < 1_500) early++
        return code
      }),
    )
    expect(new Set(codes)).toEqual(new Set(["STORAGE_UNAVAILABLE"]))
    expect(early, "a hundred megabytes are not kept waiting").toBeGreaterThan(2_000)
    server.thaw()
    await healed(store)
  })

  it("finishes what was under way when connections break, each write once and in order", {
    timeout: 60_000,
  }, async () => {
    const proxy = await proxied()
    const store = await through(proxy, { timeoutMs: 5_000 })
    const cuts = setInterval(() => proxy.cut(), 15)
    const codes: string[] = []
    for (let turn = 0; turn < 150; turn++) {
      const saves = ["a", "b", "c"].map((id) =>
        codeOf(company(store, id).save({ session: { last: bytes(`${turn}`), [`n${turn}`]: bytes("x") } })),
      )
      codes.push(...(await Promise.all(saves)))
    }
    clearInterval(cuts)
    expect(new Set(codes)).toEqual(new Set(["none"]))
    for (const id of ["a", "b", "c"]) {
      expect(text((await company(store, id).load("session", ["last"]))["last"])).toBe("149")
      expect((await store.driver.keys(id)).length).toBe(151)
    }
  })

  it("keeps the order of writes when the server forgets its scripts under load", async () => {
    const store = await open()
    const client = server.client()
    const acme = company(store)
    let saves: Promise<void>[] = []
    for (let turn = 0; turn < 300; turn++) {
      saves.push(acme.save({ session: { last: bytes(`${turn}`), [`n${turn}`]: bytes("x") } }))
      if (turn % 10 === 0) saves.push(client.script("FLUSH").then(() => undefined))
      if (turn % 7 === 0) {
        await Promise.all(saves)
        saves = []
      }
    }
    await Promise.all(saves)
    expect(await read(store, "last")).toBe("299")
    expect((await store.driver.keys("acme")).length).toBe(301)
  })

  describe("a write that was given up and arrives late", () => {
    it.each([
      ["is refused after a later one", true, "later"],
      ["would undo the later one if writes had no numbers", false, "early"],
    ])("%s", async (_, numbering, expected) => {
      const proxy = await proxied()
      const store = await through(proxy, { numbering })
      const acme = company(store)
      await acme.save({ session: { a: bytes("first") } })
      proxy.hold()
      expect(await codeOf(acme.save({ session: { a: bytes("early") } }))).toBe("STORAGE_UNAVAILABLE")
      await eventually(
        async () => (await codeOf(acme.save({ session: { a: bytes("later") } }))) === "none" || undefined,
      )
      await proxy.release()
      expect(await read(store, "a")).toBe(expected)
    })

    it("is refused after what was stored has been read", async () => {
      const proxy = await proxied()
      const store = await through(proxy)
      const acme = company(store)
      await acme.save({ session: { a: bytes("first") } })
      proxy.hold()
      expect(await codeOf(acme.save({ session: { a: bytes("early"), b: bytes("early") } }))).toBe("STORAGE_UNAVAILABLE")
      expect(await eventually(() => read(store, "a").catch(() => undefined))).toBe("first")
      await proxy.release()
      expect(await read(store, "a")).toBe("first")
      expect(await acme.load("session", ["b"])).toEqual({})
    })

    it("is refused as well when it would have been the first of its company", async () => {
      const proxy = await proxied()
      const store = await through(proxy)
      await company(store, "other").save({ session: { a: bytes("1") } })
      const acme = company(store)
      expect(await acme.load("session", ["a"])).toEqual({})
      proxy.hold()
      expect(await codeOf(acme.save({ session: { a: bytes("early") } }))).toBe("STORAGE_UNAVAILABLE")
      expect(await eventually(() => acme.load("session", ["a"]).catch(() => undefined))).toEqual({})
      await proxy.release()
      expect(await acme.load("session", ["a"])).toEqual({})
      expect(await store.driver.companies()).toEqual(["other"])
    })

    it("does not erase what was written since, when it is an erasure", async () => {
      const proxy = await proxied()
      const store = await through(proxy)
      const acme = company(store)
      await acme.save({ session: { a: bytes("first") } })
      proxy.hold()
      expect(await codeOf(acme.clear())).toBe("STORAGE_UNAVAILABLE")
      await eventually(
        async () => (await codeOf(acme.save({ session: { b: bytes("later") } }))) === "none" || undefined,
      )
      await proxy.release()
      expect(await acme.load("session", ["a", "b"])).toEqual({ a: bytes("first"), b: bytes("later") })
    })

    it("does not bring a company back that was erased since, with a claim, a fence or none", async () => {
      const proxy = await proxied()
      const store = await through(proxy)
      const claim = await store.claims?.claim("claimed")
      const commit = (id: string, fence: number): Promise<void> =>
        store.driver.commit(id, [{ key: "session/a", value: bytes("early") }], fence)
      const fences = { claimed: claim?.fence ?? 0, fenced: 7, free: Number.POSITIVE_INFINITY }
      for (const [id, fence] of Object.entries(fences)) await commit(id, fence)
      proxy.hold()
      const late = await Promise.all(Object.entries(fences).map(([id, fence]) => codeOf(commit(id, fence))))
      expect(new Set(late)).toEqual(new Set(["STORAGE_UNAVAILABLE"]))
      await healed(store)
      for (const [id, fence] of Object.entries(fences)) await store.driver.erase(id, fence)
      await claim?.release()
      await proxy.release()
      expect(await store.driver.companies()).toEqual([])
    })
  })

  it("takes a company of another type for damaged, never for absent, and can erase it", async () => {
    const store = await open()
    const client = server.client()
    await client.set("switchboard:acme", "text")
    expect(await codeOf(company(store).load("creds", ["me"]))).toBe("CREDENTIALS_DAMAGED")
    expect(await codeOf(company(store).save({ creds: { me: bytes("1") } }))).toBe("CREDENTIALS_DAMAGED")
    expect(await codeOf(store.driver.keys("acme"))).toBe("CREDENTIALS_DAMAGED")
    expect(await codeOf(store.claims?.claim("acme") ?? Promise.resolve())).toBe("CREDENTIALS_DAMAGED")
    expect(await client.get("switchboard:acme")).toBe("text")
    await company(store).clear()
    await company(store).save({ creds: { me: bytes("1") } })
    await client.set("switchboard::companies", "text")
    expect(await codeOf(company(store, "new").save({ creds: { me: bytes("1") } }))).toBe("CREDENTIALS_DAMAGED")
    expect(await client.exists("switchboard:new")).toBe(0)
  })

  it.each([
    ["out of memory", ["CONFIG", "SET", "maxmemory", "1"], ["CONFIG", "SET", "maxmemory", "0"]],
    ["a replica", ["REPLICAOF", "127.0.0.1", "1"], ["REPLICAOF", "NO", "ONE"]],
  ])("writes nothing by halves when the server is %s, and goes on when it is not", async (_, fail, mend) => {
    const store = await open()
    const before = { a: bytes("1"), b: bytes("2") }
    await company(store).save({ session: before })
    const call = (words: readonly string[]): Promise<unknown> => server.client().call(words[0] ?? "", words.slice(1))
    await call(fail)
    const batch = { session: { a: bytes("new"), b: null, c: bytes("new") }, creds: { me: bytes("new") } }
    expect(await codeOf(company(store).save(batch))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.check())).toBe("STORAGE_UNAVAILABLE")
    await eventually(async () => {
      const loaded = await company(store)
        .load("session", ["a", "b", "c"])
        .catch(() => undefined)
      if (loaded !== undefined) expect(loaded).toEqual(before)
      return loaded
    })
    await call(mend)
    await healed(store)
    expect(await company(store).load("session", ["a", "b", "c"])).toEqual(before)
    await company(store).save(batch)
    expect(await company(store).load("session", ["a", "b", "c"])).toEqual({ a: bytes("new"), c: bytes("new") })
  })

  it("waits while the server is loading its data", { timeout: 60_000 }, async () => {
    const store = await open()
    const keys = Object.fromEntries(Array.from({ length: 400 }, (_, at) => [`k${at}`, bytes("x".repeat(1_000))]))
    for (let at = 0; at < 3; at++) await company(store, `c${at}`).save({ session: keys })
    await server.stop()
    await server.start(["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"], "loading")
    expect(await codeOf(company(store, "c0").load("session", ["k0"]))).toBe("STORAGE_UNAVAILABLE")
    await healed(store)
    expect(Object.keys(await company(store, "c0").load("session", ["k0"]))).toEqual(["k0"])
  })
})
