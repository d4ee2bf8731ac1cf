import { join } from "node:path"
import { rm } from "node:fs/promises"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openS3, type S3Extras } from "../../adapters/storage/s3/index.ts"
import type { Clock } from "../../core/clock.ts"
import { openCompanyStore, storedCompanies } from "../../core/storage.ts"
import { type AuthStore, type OpenStore, type StoreClaim, StoreFault, UNFENCED } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { eventually, given } from "../suites/store-claims/subject.ts"
import { temporaryFolder } from "../support/folder.ts"
import { createTestLog } from "../support/log.ts"
import { type FaultServer, startFaultServer } from "../support/s3-fault-server.ts"
import { storeOptions } from "../support/store-options.ts"

interface Opening extends S3Extras {
  readonly flushMs?: number
  readonly instance?: string
  readonly folder?: string
  readonly timeoutMs?: number
  readonly clock?: Clock
}

describe("an S3 store", () => {
  let server: FaultServer
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let stores: OpenStore[]
  let log: ReturnType<typeof createTestLog>

  beforeEach(async () => {
    server = await startFaultServer()
    folder = await temporaryFolder()
    stores = []
    log = createTestLog()
  })
  afterEach(async () => {
    server.spoil(() => undefined)
    await Promise.all(stores.map((store) => store.close()))
    await server.stop()
    await folder.remove()
  })

  async function open({ eager, fetch, leaseMs, instance = "a", ...more }: Opening = {}): Promise<OpenStore> {
    const own = { folder: join(folder.path, more.folder ?? instance), store: "s3", instance, log }
    const options = storeOptions({ ...server.options, flushMs: 60_000, ...more, ...own })
    const extras = {
      ...(eager === undefined ? {} : { eager }),
      ...(fetch === undefined ? {} : { fetch }),
      ...(leaseMs === undefined ? {} : { leaseMs }),
    }
    const store = await openS3(options, extras)
    stores.push(store)
    return store
  }
  const claim = async (store: OpenStore, company = "acme"): Promise<StoreClaim> => {
    const claimed = await store.claims?.claim(company)
    return given(claimed)
  }
  const under = (store: OpenStore, { fence }: { fence: number }, company = "acme"): AuthStore =>
    openCompanyStore(store, leaseOf(company, fence), tools)
  /** The process is gone, and whatever it had in memory. */
  const crash = (store: OpenStore): void => {
    stores = stores.filter((one) => one !== store)
  }
  const puts = (part = "companies/"): string[] =>
    server.requests.filter(({ method, key }) => method === "PUT" && key.includes(part)).map(({ key }) => key)
  const away = (): void => server.spoil(() => ({ status: 503, code: "SlowDown" }))
  const back = (): void => server.spoil(() => undefined)

  it("gathers commits into one object, and sends it when it is asked to", async () => {
    const store = await open()
    const acme = under(store, await claim(store))
    for (let turn = 0; turn < 30; turn++)
      await acme.save({ session: { a: bytes(`${turn}`), [`n${turn}`]: bytes("x") } })
    expect(puts()).toEqual([])
    await store.flush("acme")
    expect(puts().length).toBe(1)
    await store.flush("acme")
    expect(puts().length).toBe(1)
  })

  it("sends an object after 64 commits, after flushMs, and at once for credentials", async () => {
    const store = await open()
    const acme = under(store, await claim(store))
    for (let turn = 0; turn < 64; turn++) await acme.save({ session: { a: bytes(`${turn}`) } })
    await eventually(async () => (puts().length === 1 ? true : undefined))
    await acme.save({ session: { a: bytes("1") } })
    expect(puts().length).toBe(1)
    await acme.save({ creds: { me: bytes("1") } })
    expect(puts().length).toBe(2)
    const quick = await open({ instance: "b", flushMs: 30 })
    await under(quick, await claim(quick, "other"), "other").save({ session: { a: bytes("1") } })
    expect(puts("companies/other").length).toBe(0)
    await eventually(async () => (puts("companies/other").length === 1 ? true : undefined))
  })

  it("answers only when the bucket has it when flushMs is 0, with one object for each commit", async () => {
    const store = await open({ flushMs: 0 })
    const acme = under(store, await claim(store))
    for (let turn = 1; turn <= 10; turn++) {
      await acme.save({ session: { a: bytes(`${turn}`) } })
      expect(puts().length).toBe(turn)
    }
    away()
    expect(await codeOf(acme.save({ session: { a: bytes("late") } }))).toBe("STORAGE_UNAVAILABLE")
  })

  it("goes on while the server is away, credentials too, and brings everything there when it is back", async () => {
    const store = await open({ flushMs: 10 })
    const acme = under(store, await claim(store))
    await acme.save({ creds: { me: bytes("1") } })
    away()
    for (let turn = 0; turn < 100; turn++) await acme.save({ session: { [`n${turn}`]: bytes(`${turn}`) } })
    await acme.save({ creds: { me: bytes("2") } })
    expect(await acme.load("creds", ["me"])).toEqual({ me: bytes("2") })
    expect(await codeOf(store.flush("acme"))).toBe("STORAGE_UNAVAILABLE")
    const warned = log.lines.filter(({ level }) => level === "warn").length
    expect(warned).toBe(1)
    back()
    const there = await eventually(async () => {
      const other = await open({ instance: "reader", folder: `reader-${stores.length}` })
      const seen = openCompanyStore(other, leaseOf("acme"), tools)
      const loaded = await seen.load("session", ["n0", "n99"]).catch(() => ({}))
      return Object.keys(loaded).length === 2 ? seen : undefined
    })
    expect(await there.load("creds", ["me"])).toEqual({ me: bytes("2") })
  })

  it("keeps no more in memory than fits, however long the server is away", async () => {
    const store = await open({ flushMs: 10 })
    const acme = under(store, await claim(store))
    await acme.save({ creds: { me: bytes("1") } })
    away()
    const large = new Uint8Array(200_000).fill(7)
    for (let turn = 0; turn < 20; turn++) await acme.save({ session: { [`n${turn % 12}`]: large } })
    back()
    await eventually(() =>
      store.flush("acme").then(
        () => true,
        () => undefined,
      ),
    )
    const [last = ""] = puts().toReversed()
    // Read from the disk again, as a whole.
    expect(last).toMatch(/-s-\d+$/)
    const other = openCompanyStore(await open({ instance: "b" }), leaseOf("acme"), tools)
    expect(Object.keys(await other.load("session", ["n0", "n11"])).length).toBe(2)
  })

  it("brings what a crash has left on the disk to the bucket when the company is next opened", async () => {
    const first = await open()
    const acme = under(first, await claim(first))
    await acme.save({ creds: { me: bytes("1") }, session: { a: bytes("1") } })
    await acme.save({ session: { a: bytes("2"), b: bytes("2") } })
    crash(first)
    const second = await open()
    const again = under(second, await claim(second))
    expect(await again.load("session", ["a", "b"])).toEqual({ a: bytes("2"), b: bytes("2") })
    const other = openCompanyStore(await open({ instance: "b" }), leaseOf("acme"), tools)
    expect(await other.load("session", ["a", "b"])).toEqual({ a: bytes("2"), b: bytes("2") })
  })

  it("takes what is in the bucket when another instance has had the company in between", async () => {
    const first = await open({ leaseMs: 60_000 })
    const acme = under(first, await claim(first))
    await acme.save({ creds: { me: bytes("1") } })
    await first.claims?.claim("none")
    await acme.save({ session: { a: bytes("never flushed") } })
    crash(first)
    server.bucket.remove(server.bucket.keys("instances/")[0] ?? "")
    const second = await open({ instance: "b" })
    const theirs = under(second, await claim(second))
    expect(await theirs.load("session", ["a"])).toEqual({})
    await theirs.save({ session: { b: bytes("b") } })
    await second.close()
    const third = await open()
    expect(await under(third, await claim(third)).load("session", ["a", "b"])).toEqual({ b: bytes("b") })
  })

  it("counts nothing that a former holder still writes, whenever it arrives", async () => {
    const first = await open({ leaseMs: 60_000 })
    const acme = under(first, await claim(first))
    await acme.save({ creds: { me: bytes("1") } })
    await acme.save({ session: { a: bytes("stale") } })
    // Its object is on the way, and stays there while somebody else takes over.
    let arrive = (): void => undefined
    const after = new Promise<void>((resolve) => (arrive = resolve))
    server.spoil(({ method, key }) => (method === "PUT" && key.includes("companies/") ? { after } : undefined))
    const { length } = puts()
    const late = first.flush("acme")
    await eventually(async () => (puts().length > length ? true : undefined))
    server.spoil(() => undefined)
    // As if its heartbeat had stopped for a lease.
    server.bucket.remove(server.bucket.keys("instances/")[0] ?? "")
    const second = await open({ instance: "b" })
    const theirs = under(second, await claim(second))
    expect(await theirs.load("session", ["a"])).toEqual({})
    arrive()
    await late
    expect(server.bucket.get(puts()[length] ?? "")).toBeDefined()
    crash(first)
    await theirs.save({ session: { b: bytes("b") } })
    await second.close()
    const third = await open({ instance: "c" })
    expect(await under(third, await claim(third)).load("session", ["a", "b"])).toEqual({ b: bytes("b") })
  })

  it("puts a snapshot in the place of many objects, and removes what it replaces", async () => {
    const store = await open()
    const acme = under(store, await claim(store))
    for (let turn = 0; turn < 200; turn++) {
      await acme.save({ creds: { me: bytes(`${turn}`) }, session: { [`n${turn}`]: bytes("x"), gone: bytes("y") } })
    }
    await acme.save({ session: { gone: null } })
    await store.flush("acme")
    expect(server.bucket.keys("companies/acme/").length).toBeLessThan(70)
    const { length } = server.requests
    const other = openCompanyStore(await open({ instance: "b" }), leaseOf("acme"), tools)
    expect(Object.keys(await other.load("session", ["n0", "n199", "gone"]))).toEqual(["n0", "n199"])
    expect(server.requests.length - length).toBeLessThan(72)
  })

  it("leaves nothing of what was replaced once it is compacted", async () => {
    const store = await open()
    const acme = under(store, await claim(store))
    await acme.save({ creds: { me: bytes("SECRET-OLD") } })
    await acme.save({ creds: { me: bytes("new") } })
    await store.compact?.("acme")
    const all = server.bucket.keys("companies/").map((key) => Buffer.from(server.bucket.get(key)?.bytes ?? []))
    expect(Buffer.concat(all).includes("SECRET-OLD")).toBe(false)
    expect(Buffer.concat(all).includes("new")).toBe(true)
  })

  it("asks the same number of requests for a company beside 100,000 objects of others", async () => {
    const fill = await open()
    const acme = under(fill, await claim(fill, "m"), "m")
    for (let turn = 0; turn < 5; turn++) await acme.save({ creds: { me: bytes(`${turn}`) } })
    await fill.close()
    const count = async (instance: string): Promise<number> => {
      const store = await open({ instance })
      const { length } = server.requests
      expect(await openCompanyStore(store, leaseOf("m"), tools).load("creds", ["me"])).toEqual({ me: bytes("4") })
      return server.requests.length - length
    }
    const alone = await count("b")
    server.bucket.fill(Array.from({ length: 100_000 }, (_, at) => `companies/${"lmn"[at % 3]}${at % 700}/0.${at}`))
    expect(await count("c")).toBe(alone)
    expect(alone).toBeLessThan(10)
  })

  it("erases every object of a company, however many, and none of one with a name like it", async () => {
    const store = await open()
    for (const name of ["a", "a-b", "ab", "=2e", "a="]) {
      await under(store, await claim(store, name), name).save({ creds: { me: bytes(name) } })
    }
    const others = server.bucket.keys("companies/").filter((key) => !key.startsWith("companies/a/"))
    for (let at = 0; at < 2_500; at++) server.bucket.put(`companies/a/left-over-${at}`, bytes("1"))
    await store.driver.erase("a", UNFENCED)
    expect(server.bucket.keys("companies/")).toEqual(others)
    expect(await storedCompanies(store)).not.toContain("a")
  })

  it("calls a company erased when a crash has broken off the erasure, and takes it up", async () => {
    const store = await open()
    const acme = under(store, await claim(store))
    for (let turn = 0; turn < 5; turn++) await acme.save({ creds: { me: bytes(`${turn}`) } })
    server.spoil(({ method, query }) => (method === "POST" && query.has("delete") ? { status: 503 } : undefined))
    expect(await codeOf(acme.clear())).toBe("STORAGE_UNAVAILABLE")
    crash(store)
    back()
    const next = await open()
    const again = under(next, await claim(next))
    expect(await again.load("creds", ["me"])).toEqual({})
    expect(server.bucket.keys("companies/")).toEqual([])
    await again.save({ creds: { me: bytes("new") } })
    await next.close()
    const third = await open({ instance: "b" })
    expect(await under(third, await claim(third)).load("creds", ["me"])).toEqual({ me: bytes("new") })
  })

  it.each<[string, (key: string) => void]>([
    ["cut", (key) => server.bucket.put(key, server.bucket.get(key)?.bytes.slice(0, 40) ?? bytes(""))],
    ["empty", (key) => server.bucket.put(key, bytes(""))],
    [
      "flipped",
      (key) => {
        const object = Uint8Array.from(server.bucket.get(key)?.bytes ?? [])
        object[object.length - 40] = (object[object.length - 40] ?? 0) ^ 1
        server.bucket.put(key, object)
      },
    ],
    ["another company's", (key) => server.bucket.put(key, otherObject())],
    ["missing", (key) => server.bucket.remove(key)],
  ])("calls a company damaged, and never absent, when an object is %s, and names it", async (_, spoil) => {
    const store = await open()
    const acme = under(store, await claim(store))
    await under(store, await claim(store, "other"), "other").save({ creds: { me: bytes("theirs") } })
    for (let turn = 0; turn < 3; turn++) await acme.save({ creds: { me: bytes(`${turn}`) } })
    await store.close()
    const keys = server.bucket.keys("companies/acme/")
    expect(keys.length).toBe(3)
    for (const key of keys.slice(0, 2)) {
      const kept = server.bucket.get(key)?.bytes ?? bytes("")
      spoil(key)
      const reader = await open({ instance: "b", folder: `b-${stores.length}` })
      const error: unknown = await reader.driver.load("acme", ["creds/me"]).catch((thrown: unknown) => thrown)
      expect(await codeOf(Promise.reject(error as Error))).toBe("CREDENTIALS_DAMAGED")
      expect(String((error as Error).cause)).toContain(key.split("/").at(-1)?.slice(0, 40))
      server.bucket.put(key, kept)
    }
  })
  const otherObject = (): Uint8Array =>
    server.bucket.get(server.bucket.keys("companies/other/")[0] ?? "")?.bytes ?? bytes("")

  it("does not call a company absent when the bucket has lost it, and keeps its own copy", async () => {
    const store = await open()
    await under(store, await claim(store)).save({ creds: { me: bytes("1") } })
    await store.close()
    for (const key of server.bucket.keys()) server.bucket.remove(key)
    const next = await open()
    const again = under(next, await claim(next))
    expect(await codeOf(again.load("creds", ["me"]))).toBe("CREDENTIALS_DAMAGED")
    expect(await codeOf(again.save({ creds: { me: bytes("2") } }))).toBe("CREDENTIALS_DAMAGED")
    await again.clear()
    expect(await again.load("creds", ["me"])).toEqual({})
  })

  it("opens while the server is away, and says what is wrong when it is asked", async () => {
    away()
    const store = await open()
    expect(await codeOf(store.check())).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.driver.load("acme", ["creds/me"]))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.driver.companies())).toBe("STORAGE_UNAVAILABLE")
    server.spoil(() => ({ status: 404, code: "NoSuchBucket" }))
    await expect(
      eventually(() =>
        store.check().then(
          () => undefined,
          (error: unknown) => (error instanceof StoreFault ? error : undefined),
        ),
      ),
    ).resolves.toMatchObject({ option: "bucket" })
    expect(await codeOf(store.driver.load("acme", ["creds/me"]))).toBe("STORAGE_UNAVAILABLE")
    back()
    expect(await store.check()).toEqual([])
    expect(server.bucket.keys()).toEqual([])
  })

  it("says what the server lacks", async () => {
    server.conditions = "ignored"
    server.versioning = true
    const store = await open()
    const warnings = await store.check()
    expect(warnings.join("\n")).toMatch(/If-None-Match[^]*old versions/)
    expect(await store.check()).toEqual(warnings)
    server.spoil(({ query }) => (query.has("versioning") ? { status: 501, code: "NotImplemented" } : undefined))
    expect((await (await open({ instance: "b" })).check()).length).toBe(1)
  })

  it("is sure of what it has written when the answer was lost on the way", async () => {
    const store = await open()
    const acme = under(store, await claim(store))
    let lost = 0
    server.spoil(({ method, key }) =>
      method === "PUT" && key.includes("companies/") && lost++ % 2 === 0 ? { how: "lost" } : undefined,
    )
    for (let turn = 0; turn < 5; turn++) await acme.save({ creds: { me: bytes(`${turn}`) } })
    await store.flush("acme")
    const other = openCompanyStore(await open({ instance: "b" }), leaseOf("acme"), tools)
    expect(await other.load("creds", ["me"])).toEqual({ me: bytes("4") })
    expect(lost).toBeGreaterThan(4)
  })

  it("needs few requests for a claim, a pairing, a message and a restart", async () => {
    const counts: Record<string, number> = {}
    const count = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
      const { length } = server.requests
      const done = await work()
      counts[what] = server.requests.length - length
      return done
    }
    const store = await open()
    // The sign of life of the instance, once for all of its claims.
    await claim(store, "other")
    const held = await count("first claim", () => claim(store))
    const acme = under(store, held)
    const keys = Object.fromEntries(Array.from({ length: 830 }, (_, at) => [`${at}`, new Uint8Array(300)]))
    await count("pairing", () => acme.save({ "pre-key": keys, creds: { me: bytes("1") } }))
    await count("window of messages", async () => {
      for (let turn = 0; turn < 20; turn++) await acme.save({ session: { a: bytes(`${turn}`) } })
      await store.flush("acme")
    })
    await count("loads", () => acme.load("session", ["a"]))
    await store.close()
    const next = await open()
    await claim(next, "other")
    await count("restart", async () => under(next, await claim(next)).load("creds", ["me"]))
    expect(counts).toEqual({ "first claim": 5, pairing: 3, "window of messages": 1, loads: 0, restart: 9 })
  })

  it("is without its local copy what it was with it", async () => {
    const store = await open()
    await under(store, await claim(store)).save({ creds: { me: bytes("1") }, session: { a: bytes("1") } })
    await store.close()
    await rm(join(folder.path, "a"), { recursive: true })
    const next = await open()
    expect(await under(next, await claim(next)).load("session", ["a"])).toEqual({ a: bytes("1") })
  })
})
