import type { Redis } from "ioredis"
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest"
import { openRedis, type RedisOptions } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { openCompanyStore, storedCompanies } from "../../core/storage.ts"
import type { AuthStore, OpenStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { createTestLog } from "../support/log.ts"
import { findRedis, type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts"

describe.skipIf(findRedis() === undefined)(`what a Redis store asks of its server${redisMissing}`, () => {
  let server: RedisServer
  let client: Redis
  const stores: OpenStore[] = []

  const open = async (options: Partial<RedisOptions> = {}): Promise<OpenStore> => {
    const base = { url: server.url, instance: "a", clock: createClock(), log: createTestLog() }
    const store = await openRedis({ ...base, ...options })
    stores.push(store)
    return store
  }
  const company = (store: OpenStore, id = "acme", fence = 1): AuthStore =>
    openCompanyStore(store, leaseOf(id, fence), tools)

  /** What the server was asked meanwhile, by clients and not by scripts. */
  async function asked(work: () => Promise<unknown>): Promise<string[]> {
    const monitor = await client.monitor()
    const seen: string[] = []
    let end = (): void => undefined
    const all = new Promise<void>((resolve) => {
      end = resolve
    })
    monitor.on("monitor", (_: string, args: string[], source: string) => {
      if (args[1] === "asked: the end") end()
      else if (source !== "lua") seen.push(args[0]?.toLowerCase() ?? "")
    })
    await work()
    await client.echo("asked: the end")
    await all
    monitor.disconnect()
    // It goes on listening until it is disconnected.
    return [...seen]
  }

  beforeAll(async () => {
    server = await startRedis({ keep: "none" })
    client = server.client()
  })
  beforeEach(async () => {
    await client.flushall()
  })
  afterAll(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await server.remove()
  })

  it("is one request for each commit, load and erasure, however many records they have", async () => {
    const store = await open()
    const ids = Array.from({ length: 812 }, (_, id) => String(id))
    const acme = company(store)
    await acme.save({ session: { a: bytes("1") } })
    const batch = Object.fromEntries(ids.map((id) => [id, bytes("x".repeat(300))]))
    expect(
      await asked(() => acme.save({ "pre-key": batch, session: { a: null }, creds: { me: bytes("me") } })),
    ).toEqual(["evalsha"])
    expect(await asked(() => acme.load("pre-key", ids))).toEqual(["hmget"])
    expect(await asked(() => store.driver.keys("acme"))).toEqual(["hkeys"])
    expect(await asked(() => store.driver.companies())).toEqual(["smembers"])
    const claim = await store.claims?.claim("other")
    expect(await asked(async () => store.claims?.claim("third"))).toEqual(["evalsha"])
    await claim?.release()
    await acme.clear()
    await acme.save({ session: { a: bytes("1") } })
    expect(await asked(() => acme.clear())).toEqual(["evalsha"])
  })

  it("sends commits of one company together that come while one is under way", async () => {
    const store = await open()
    const acme = company(store)
    await acme.save({ session: { a: bytes("0") } })
    const requests = await asked(() =>
      Promise.all(Array.from({ length: 100 }, (_, turn) => acme.save({ session: { [`n${turn}`]: bytes("x") } }))),
    )
    expect(requests).toEqual(["evalsha", "evalsha"])
    expect((await store.driver.keys("acme")).length).toBe(101)
  })

  it("is the same for a company among 100,000 keys of others, and never looks through the keys of the server", async () => {
    const store = await open()
    const acme = company(store)
    await acme.save({ creds: { me: bytes("me") }, session: { a: bytes("1"), b: bytes("2") } })
    const use = async (): Promise<void> => {
      expect(Object.keys(await acme.load("session", ["a", "b"]))).toEqual(["a", "b"])
      expect((await store.driver.keys("acme")).length).toBe(3)
      await acme.save({ session: { a: bytes("1") } })
    }
    const alone = await asked(use)
    const pipeline = client.pipeline()
    for (let other = 0; other < 1_000; other++) {
      const fields = Array.from({ length: 100 }, (_, at) => [`session/${at}`, "x"]).flat()
      pipeline.hset(`switchboard:other-${other}`, ...fields).sadd("switchboard::companies", `other-${other}`)
    }
    await pipeline.exec()
    expect(await asked(use)).toEqual(alone)
    expect(alone).toEqual(["hmget", "hkeys", "evalsha"])
    expect((await asked(() => acme.clear())).concat(await asked(() => store.driver.companies()))).toEqual([
      "evalsha",
      "smembers",
    ])
    expect((await client.info("commandstats")).match(/cmdstat_(?:scan|keys|hscan|sscan):/)).toBeNull()
  })

  it("keeps stores with prefixes alike, and companies that differ in case, apart", async () => {
    const prefixes = ["a:", "a:b:", "ab:", "A:", "a:company:", "{a}:"]
    const many = await Promise.all(prefixes.map((prefix) => open({ prefix })))
    const ids = ["b", "B", "b:c", "companies", ":companies", "company", "x"]
    for (const [index, store] of many.entries())
      for (const id of ids) await company(store, id).save({ creds: { me: bytes(`${index} ${id}`) } })
    for (const [index, store] of many.entries()) {
      expect((await storedCompanies(store)).sort()).toEqual([...ids].sort())
      for (const id of ids) {
        expect(await company(store, id).load("creds", ["me"])).toEqual({ me: bytes(`${index} ${id}`) })
        await company(store, id).clear()
      }
      expect(await storedCompanies(store)).toEqual([])
    }
  })

  it("leaves nothing of an erased company but what expires, without its name", async () => {
    const store = await open()
    const claim = await store.claims?.claim("canary")
    await store.driver.commit("canary", [{ key: "creds/me", value: bytes("secret") }], claim?.fence ?? 0)
    await store.driver.erase("canary", claim?.fence)
    await claim?.release()
    await store.close()
    const keys = await client.keys("*")
    expect(keys.filter((key) => !/^switchboard::erased:[0-9a-f]{64}$/.test(key))).toEqual([])
    for (const key of keys) {
      expect(await client.pttl(key)).toBeGreaterThan(0)
      expect(JSON.stringify(await client.hgetall(key))).not.toMatch(/canary|secret/)
    }
  })

  it("gives a fence above every one before also when the server's clock has gone back", async () => {
    const store = await open()
    const future = Date.now() * 1_000 + 3_600_000_000
    await store.driver.commit("acme", [{ key: "creds/me", value: bytes("1") }], future)
    const claim = await store.claims?.claim("acme")
    expect(claim?.fence).toBe(future + 1)
    await store.driver.erase("acme", claim?.fence)
    await claim?.release()
    expect((await store.claims?.claim("acme"))?.fence).toBe(future + 2)
    expect(await codeOf(store.driver.commit("acme", [{ key: "creds/me", value: bytes("1") }], future))).toBe("FENCED")
  })
})
