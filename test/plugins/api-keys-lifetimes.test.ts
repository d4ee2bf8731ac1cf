import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { Ledger } from "../../core/ledger.ts"
import { createPluginStorage } from "../../core/records/plugin-records.ts"
import type { Call, Principal } from "../../core/types.ts"
import { createKnownKeys, type KnownKeys } from "../../plugins/api-keys/known-keys.ts"
import type { MatrixHouse } from "../http/matrix-house.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"
import { createTestSystem } from "../support/system.ts"
import { ADMIN, keyHouses, keysOf, type Made } from "./api-keys-houses.ts"

const company = (id: string) => `/api/whatsapp/companies/${id}`

const open = keyHouses()

const make = async (house: MatrixHouse, id: string, more: object = {}): Promise<Made> => {
  const body = { name: "shop", scopes: ["read", "admin"], ...more }
  const answer = await house.call("POST", keysOf(id), { key: ADMIN, body })
  expect(answer.status).toBe(201)
  return answer.json.data as unknown as Made
}
const opens = async (house: MatrixHouse, key: string, id = "acme"): Promise<number> =>
  (await house.call("GET", company(id), { key })).status
const listed = async (house: MatrixHouse, id = "acme"): Promise<Record<string, unknown>[]> =>
  ((await house.call("GET", keysOf(id), { key: ADMIN })).json.data ?? []) as unknown as Record<string, unknown>[]
/** How many key ids the house knows the companies of. */
const places = async (house: MatrixHouse): Promise<number> =>
  (await house.ledger.page("", "plugin:api-keys", { limit: 500 })).rows.length

describe("A revoked key", () => {
  it("opens nothing as soon as that is answered, and its id is like one that never was", async () => {
    const house = await open()
    const { key, keyId } = await make(house, "acme")
    expect(await opens(house, key)).toBe(200)
    const first = await house.call("DELETE", `${keysOf("acme")}/${keyId}`, { key: ADMIN })
    expect([first.status, first.json.data]).toEqual([200, { keyId, companyId: "acme", revoked: true }])
    expect(await opens(house, key)).toBe(401)
    const again = await house.call("DELETE", `${keysOf("acme")}/${keyId}`, { key: ADMIN })
    const never = await house.call("DELETE", `${keysOf("acme")}/aaaaaaaaaa`, { key: ADMIN })
    const odd = await Promise.all(
      ["../x", "a".repeat(5_000)].map((id) =>
        house.call("DELETE", `${keysOf("acme")}/${encodeURIComponent(id)}`, { key: ADMIN }),
      ),
    )
    for (const answer of [again, never, ...odd]) {
      expect([answer.status, { ...answer.json, requestId: "" }]).toEqual([404, { ...again.json, requestId: "" }])
    }
    expect(await listed(house)).toEqual([])
    expect(await places(house)).toBe(0)
  })

  it("may be the one that revokes itself, and is of its own company alone", async () => {
    const house = await open()
    const mine = await make(house, "acme")
    const theirs = await make(house, "other")
    const foreign = await house.call("DELETE", `${keysOf("acme")}/${theirs.keyId}`, { key: mine.key })
    const never = await house.call("DELETE", `${keysOf("acme")}/bbbbbbbbbb`, { key: mine.key })
    expect([foreign.status, { ...foreign.json, requestId: "" }]).toEqual([404, { ...never.json, requestId: "" }])
    expect(await opens(house, theirs.key, "other")).toBe(200)
    expect((await house.call("DELETE", `${keysOf("acme")}/${mine.keyId}`, { key: mine.key })).status).toBe(200)
    expect(await opens(house, mine.key)).toBe(401)
  })

  it("is not remembered by a request that was reading it at that moment", async () => {
    const gate: { hold?: Promise<void> } = {}
    const wrap = (ledger: Ledger): Ledger => ({
      ...ledger,
      async get(id, table, keys) {
        const rows = await ledger.get(id, table, keys)
        if (id === "acme" && table === "plugin-secret:api-keys") await gate.hold
        return rows
      },
    })
    const house = await open({ wrap })
    const { key, keyId } = await make(house, "acme")
    let release = (): void => undefined
    gate.hold = new Promise((resolve) => (release = resolve))
    const reading = opens(house, key)
    await house.settle()
    // The next reads are not held.
    delete gate.hold
    expect((await house.call("DELETE", `${keysOf("acme")}/${keyId}`, { key: ADMIN })).status).toBe(200)
    release()
    await reading
    expect(await opens(house, key)).toBe(401)
  })
})

describe("A key with an end", () => {
  it("opens until that very moment and not at it, remembered or not, and is listed as expired", async () => {
    const house = await open()
    const ends = Date.now() + 3_600_000
    const used = await make(house, "acme", { expiresAt: new Date(ends).toISOString() })
    const fresh = await make(house, "acme", { expiresAt: new Date(ends).toISOString() })
    house.ahead(3_500_000)
    expect(await opens(house, used.key)).toBe(200)
    house.ahead(100_000)
    expect([await opens(house, used.key), await opens(house, fresh.key)]).toEqual([401, 401])
    expect((await listed(house)).map(({ state }) => state)).toEqual(["expired", "expired"])
    expect((await house.call("DELETE", `${keysOf("acme")}/${used.keyId}`, { key: ADMIN })).status).toBe(200)
  })
})

describe("An event stream", () => {
  /** Opened with this key; resolves when the server has ended it, with what it carried. */
  const listen = async (
    house: MatrixHouse,
    key: string,
  ): Promise<{ ended: Promise<string>; begun(): Promise<void> }> => {
    const request = new Request(`http://localhost/api/whatsapp/sessions/acme/events`, { headers: { "x-api-key": key } })
    const response = await house.app.fetch(request, { remoteAddress: "127.0.0.1" })
    expect(response.status).toBe(200)
    return { ended: response.text(), begun: () => house.settle() }
  }

  it.each<readonly [string, (house: MatrixHouse, made: Made) => Promise<{ status: number }>]>([
    ["is revoked", (house, { keyId }) => house.call("DELETE", `${keysOf("acme")}/${keyId}`, { key: ADMIN })],
    ["goes with its company", (house) => house.call("DELETE", company("acme"), { key: ADMIN })],
  ])("ends at once when its key %s", async (_, finish) => {
    const house = await open()
    const made = await make(house, "acme")
    const other = await make(house, "other")
    const stream = await listen(house, made.key)
    await stream.begun()
    expect((await finish(house, made)).status).toBe(200)
    expect(await stream.ended).toContain("retry:")
    expect(await opens(house, other.key, "other")).toBe(200)
  })

  it("does not begin to last when its key was revoked on the way", async () => {
    const gate: { hold?: Promise<void> } = {}
    const wrap = (ledger: Ledger): Ledger => ({
      ...ledger,
      async tail(...input) {
        await gate.hold
        return ledger.tail(...input)
      },
    })
    const house = await open({ wrap })
    const { key, keyId } = await make(house, "acme")
    let release = (): void => undefined
    gate.hold = new Promise((resolve) => (release = resolve))
    const opening = listen(house, key)
    await house.settle()
    expect((await house.call("DELETE", `${keysOf("acme")}/${keyId}`, { key: ADMIN })).status).toBe(200)
    release()
    expect(await (await opening).ended).toContain("retry:")
  })
})

describe("What goes on as long as a key counts", () => {
  const day = 86_400_000
  it.each([
    ["an hour", 3_600_000],
    ["a hundred days, which no timer holds", 100 * day],
  ])("ends at the very moment at which the key does: in %s", async (_, ms) => {
    const house = parts(createMemoryLedger())
    const expiresAt = house.clock.now() + ms
    const made = await house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt })
    const key = await house.keys.find(made?.keyId ?? "")
    let over = 0
    key?.principal.onEnd?.(() => over++)
    await house.clock.advance(ms - 1)
    expect(over).toBe(0)
    await house.clock.advance(1)
    expect([over, house.clock.armed]).toEqual([1, 0])
  })

  it("ends once, and leaves nothing behind when it ends by itself", async () => {
    const house = parts(createMemoryLedger())
    const expiresAt = house.clock.now() + day
    const made = await house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt })
    const key = await house.keys.find(made?.keyId ?? "")
    const over: string[] = []
    const stop = key?.principal.onEnd?.(() => over.push("stopped"))
    key?.principal.onEnd?.(() => over.push("going on"))
    await house.clock.settle()
    stop?.()
    await house.keys.remove("acme", made?.keyId ?? "")
    await house.keys.remove("acme", made?.keyId ?? "")
    await house.clock.advance(day)
    expect([over, house.clock.armed]).toEqual([["going on"], 0])
  })
})

describe("The last use of a key", () => {
  it("is shown as it was, and written down once an hour at most", async () => {
    const house = await open()
    const { key } = await make(house, "acme")
    const writes = async (): Promise<number> => {
      await house.settle()
      return house.work().ledger.filter((name) => name === "commit").length
    }
    expect((await listed(house))[0]?.lastUsedAt).toBeNull()
    house.forgetWork()
    for (let time = 0; time < 50; time++) {
      await opens(house, key)
      house.ahead(60_000)
    }
    expect(await writes()).toBe(1)
    const shown = Date.parse(String((await listed(house))[0]?.lastUsedAt))
    house.ahead(3_600_000)
    await opens(house, key)
    expect(await writes()).toBe(2)
    const later = Date.parse(String((await listed(house))[0]?.lastUsedAt))
    expect(later - shown).toBeGreaterThan(3_600_000)
    expect(later - shown).toBeLessThan(3_700_000)
  })

  it("never brings a key back that is just being revoked", async () => {
    const house = parts(createMemoryLedger())
    const made = await house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt: null })
    const known = await house.keys.find(made?.keyId ?? "")
    const removing = house.keys.remove("acme", made?.keyId ?? "")
    if (known !== undefined) house.keys.use(known)
    expect(await removing).toBe(true)
    await house.clock.settle()
    expect(await house.keys.list("acme")).toEqual([])
  })

  it("never brings a key back, whatever comes first", async () => {
    const house = await open()
    const { key, keyId } = await make(house, "acme")
    await Promise.all([
      opens(house, key),
      house.call("DELETE", `${keysOf("acme")}/${keyId}`, { key: ADMIN }),
      opens(house, key),
    ])
    await house.settle()
    expect(await listed(house)).toEqual([])
    expect(await opens(house, key)).toBe(401)
  })
})

describe("An erased company", () => {
  it("takes its keys along at once, and the next one of its id knows none of them", async () => {
    const house = await open()
    const keys = [await make(house, "acme"), await make(house, "acme")]
    const [used, fresh] = keys as [Made, Made]
    const other = await make(house, "other")
    expect(await opens(house, used.key)).toBe(200)
    expect((await house.call("DELETE", company("acme"), { key: used.key })).status).toBe(200)
    expect([await opens(house, used.key), await opens(house, fresh.key)]).toEqual([401, 401])
    await house.settle()
    expect(await places(house)).toBe(1)
    await house.call("PUT", company("acme"), { key: ADMIN, body: {} })
    expect([await opens(house, used.key), await opens(house, fresh.key)]).toEqual([401, 401])
    expect(await listed(house)).toEqual([])
    expect(await opens(house, other.key, "other")).toBe(200)
  })

  it("lets nobody in whose key was being read when it went", async () => {
    const gate: { hold?: Promise<void> } = {}
    const wrap = (ledger: Ledger): Ledger => ({
      ...ledger,
      async get(id, table, keys) {
        const rows = await ledger.get(id, table, keys)
        if (id === "acme" && table === "plugin-secret:api-keys") await gate.hold
        return rows
      },
    })
    const house = await open({ wrap })
    const { key } = await make(house, "acme")
    let release = (): void => undefined
    gate.hold = new Promise((resolve) => (release = resolve))
    const reading = opens(house, key)
    await house.settle()
    expect((await house.call("DELETE", company("acme"), { key: ADMIN })).status).toBe(200)
    release()
    expect(await reading).toBe(401)
  })

  it("is not filled by a key that is made while it goes", async () => {
    const house = await open()
    await make(house, "acme")
    const [erased, ...made] = await Promise.all([
      house.call("DELETE", company("acme"), { key: ADMIN }),
      ...Array.from({ length: 10 }, () =>
        house.call("POST", keysOf("acme"), { key: ADMIN, body: { name: "x", scopes: ["read"] } }),
      ),
    ])
    expect(erased.status).toBe(200)
    // Each was made in the company that went, or in the one that it brought into being anew, or not at all.
    for (const { status } of made) expect([201, 404]).toContain(status)
    await house.settle()
    const there = new Set((await listed(house)).map(({ keyId }) => keyId))
    for (const { status, json } of made) {
      const { key, keyId } = (json.data ?? {}) as Partial<Made>
      if (status === 201 && key !== undefined) expect(await opens(house, key)).toBe(there.has(keyId) ? 200 : 401)
    }
    expect(await places(house)).toBe(there.size)
  })
})

describe("An import", () => {
  const bytesOf = async (house: MatrixHouse, query: string): Promise<string> =>
    (await house.call("GET", `${company("acme")}/export${query}`, { key: ADMIN })).text
  const bring = (house: MatrixHouse, text: string) =>
    house.app.fetch(
      new Request(`http://localhost${company("acme")}/import?force=true`, {
        method: "POST",
        headers: { "x-api-key": ADMIN, "content-type": "application/x-ndjson" },
        body: text,
      }),
      { remoteAddress: "127.0.0.1" },
    )

  it("with credentials brings the keys that were there, on this server or another", async () => {
    const house = await open()
    const kept = await make(house, "acme")
    const text = await bytesOf(house, "?credentials=true")
    const later = await make(house, "acme")
    expect([await opens(house, kept.key), await opens(house, later.key)]).toEqual([200, 200])
    expect((await bring(house, text)).status).toBe(200)
    await house.settle()
    expect([await opens(house, kept.key), await opens(house, later.key)]).toEqual([200, 401])
    expect(await places(house)).toBe(1)

    const another = await open()
    expect(await opens(another, kept.key)).toBe(401)
    expect((await bring(another, text)).status).toBe(200)
    await another.settle()
    expect(await opens(another, kept.key)).toBe(200)
  })

  it("without credentials brings none", async () => {
    const house = await open()
    const { key, keyId } = await make(house, "acme")
    const text = await bytesOf(house, "")
    expect(text).not.toContain(keyId)
    expect((await bring(house, text)).status).toBe(200)
    await house.settle()
    expect([await opens(house, key), await listed(house), await places(house)]).toEqual([401, [], 0])
  })
})

describe("What a crash has left between a key and its place", () => {
  it("is cleared away when the server is ready, and the places of keys stay", async () => {
    const ledger = createMemoryLedger()
    const storage = createPluginStorage(ledger, "api-keys")
    const ids = Array.from({ length: 250 }, (_, at) => `gone${String(at).padStart(6, "0")}`)
    for (const id of ids) await storage.of("").put(id, { company: "lost" })
    const house = parts(ledger)
    const made = await house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt: null })
    await house.ready()
    await house.clock.advance(10)
    const { records } = await storage.of("").list({ limit: 500 })
    expect(records.map(({ key }) => key)).toEqual([made?.keyId])
  })
})

describe("A key that is being made", () => {
  it("keeps its place, though what has no key is cleared away at that moment", async () => {
    const gate: { hold?: Promise<void> } = {}
    const ledger = createMemoryLedger()
    const house = parts({
      ...ledger,
      async commit(id, ops) {
        if (id === "acme") await gate.hold
        return ledger.commit(id, ops)
      },
    })
    let release = (): void => undefined
    gate.hold = new Promise((resolve) => (release = resolve))
    const making = house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt: null })
    await house.clock.settle()
    const clearing = house.ready()
    await house.clock.settle()
    release()
    const made = await making
    await clearing
    expect(await house.keys.find(made?.keyId ?? "")).toMatchObject({ keyId: made?.keyId })
  })
})

describe("A key of a server that has been restarted", () => {
  it("counts as before, with its scopes, its end and its last use", async () => {
    const ledger = createMemoryLedger()
    const before = parts(ledger)
    const expiresAt = before.clock.now() + 3_600_000
    const made = await before.keys.create(callOf("acme"), { name: "x", scopes: ["send"], expiresAt })
    const known = await before.keys.find(made?.keyId ?? "")
    await before.clock.advance(1_000)
    if (known !== undefined) before.keys.use(known)
    await before.clock.settle()

    const after = parts(ledger)
    const key = await after.keys.find(made?.keyId ?? "")
    expect(key).toMatchObject({ hash: known?.hash, principal: { company: "acme", scopes: new Set(["send"]) } })
    const [listed] = await after.keys.list("acme")
    expect(listed?.record).toMatchObject({ expiresAt, usedAt: before.clock.now() })
    await after.clock.advance(3_600_000)
    expect(after.keys.find(made?.keyId ?? "")).toBeUndefined()
  })
})

describe("A remembered key", () => {
  it.each([
    ["does not count for the next company of its id, before anybody has cleared anything away", true, false],
    ["would, if nothing told that company from the last one", false, true],
  ])("%s", async (_, told, found) => {
    const ledger = createMemoryLedger()
    const house = parts(ledger)
    const made = await house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt: null })
    const find = async (): Promise<boolean> => (await house.keys.find(made?.keyId ?? "")) !== undefined
    expect([await find(), house.keys.find(made?.keyId ?? "") instanceof Promise]).toEqual([true, false])
    await ledger.erase("acme")
    if (told) house.generations.set("acme", 1)
    expect(await find()).toBe(found)
  })

  it("does not count from the moment an erasure begins, though all of its records are still there", async () => {
    const house = parts(createMemoryLedger())
    const made = await house.keys.create(callOf("acme"), { name: "x", scopes: ["read"], expiresAt: null })
    const find = async (): Promise<boolean> => (await house.keys.find(made?.keyId ?? "")) !== undefined
    expect(await find()).toBe(true)
    house.generations.set("acme", undefined)
    expect([await find(), await find()]).toEqual([false, false])
    house.generations.set("acme", 1)
    expect(await find()).toBe(true)
  })

  it("is one of 10,000 at most: those used last", async () => {
    const ledger = createMemoryLedger()
    const house = parts(ledger)
    const made: string[] = []
    for (let at = 0; at < 10_100; at++) {
      const one = await house.keys.create(callOf(`c${at}`), { name: "x", scopes: ["read"], expiresAt: null })
      made.push(one?.keyId ?? "")
    }
    for (const id of made) await house.keys.find(id)
    const remembered = made.map((id) => !(house.keys.find(id) instanceof Promise))
    // Looking for one that is forgotten reads it again, and pushes out no more than one.
    expect(remembered.slice(0, 100).filter(Boolean)).toHaveLength(0)
    expect(remembered.slice(-5_000).every(Boolean)).toBe(true)
  })
})

const operator: Principal = { kind: "admin", scopes: new Set(["send", "read", "session", "admin", "operator"]) }
const callOf = (id: string): Call => ({ company: id, requestId: "test", principal: operator })

interface Parts {
  readonly keys: KnownKeys
  readonly clock: ReturnType<typeof createTestClock>
  readonly generations: Map<string, number | undefined>
  /** Lets what runs when the server is ready come to its end. */
  ready(): Promise<void>
}

/** The keys alone, over a ledger of the test's own, with companies that the test erases. */
function parts(ledger: Ledger): Parts {
  const clock = createTestClock()
  const generations = new Map<string, number | undefined>()
  let whenReady = (): void => undefined
  let running: Promise<void> = Promise.resolve()
  const keys = createKnownKeys({
    clock,
    log: createTestLog(),
    system: createTestSystem(),
    storage: createPluginStorage(ledger, "api-keys"),
    companies: {
      exists: async () => true,
      settings: () => ({}),
      change: async () => undefined,
      ensure: async () => undefined,
      generation: (id) => (generations.has(id) ? generations.get(id) : 0),
    },
    on(name, handler) {
      if (name === "app:ready") whenReady = () => (handler as (input: { url: string }) => void)({ url: "" })
    },
    background: (_, task) => void (running = task(new AbortController().signal)),
  })
  return {
    keys,
    clock,
    generations,
    async ready() {
      whenReady()
      const ended = running
      for (let page = 0; page < 5; page++) await clock.advance(1)
      await ended
    },
  }
}
