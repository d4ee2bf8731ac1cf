import { describe, expect, it } from "vitest"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { appError } from "../../core/errors.ts"
import type { Ledger } from "../../core/ledger.ts"
import { openSealedLedger } from "../../core/records/sealed-ledger.ts"
import { DELIVERIES, forgetful } from "../support/forgetful.ts"
import { createTestSealing } from "../support/sealing.ts"
import { COMPANY, DAY, HOUR, MINUTE, openDeliverHouse, SECOND } from "./deliver-house.ts"

const hosts = (house: Awaited<ReturnType<typeof openDeliverHouse>>) =>
  house.receivers.got.map(({ url }) => new URL(url).host)

describe("a commit", () => {
  it("writes records, events and deliveries together", async () => {
    const house = await openDeliverHouse()
    expect(
      await house.commit(COMPANY, {
        changes: [{ op: "putIfAbsent", key: "state", value: { raised: true } }],
        events: [{ type: "alert.raised", data: { one: 1 } }],
        deliveries: [{ id: "a", channel: "out", endpoint: "hook", body: { type: "alert.raised" } }],
      }),
    ).toBe(true)
    await house.clock.settle()
    expect(await house.records(COMPANY).get("state")).toEqual({ raised: true })
    expect(await house.events.read(COMPANY, 0, 10)).toMatchObject([
      { position: 1, type: "alert.raised", data: { one: 1 } },
    ])
    expect(house.receivers.got).toHaveLength(1)
  })

  it.each([
    ["a delivery that is there already", { deliveries: [{ id: "a", channel: "out", endpoint: "hook", body: {} }] }],
    ["a condition that does not hold", { changes: [{ op: "putIfAbsent" as const, key: "state", value: 2 }] }],
  ])("with %s writes nothing and sends nothing", async (_, clash) => {
    const house = await openDeliverHouse()
    await house.send("a")
    await house.records(COMPANY).put("state", 1)
    await house.clock.settle()
    const before = house.receivers.got.length
    const all = {
      changes: [{ op: "put" as const, key: "other", value: 1 }, ...("changes" in clash ? clash.changes : [])],
      events: [{ type: "alert.raised" as const, data: {} }],
      deliveries: [
        { id: "b", channel: "out", endpoint: "hook", body: {} },
        ...("deliveries" in clash ? clash.deliveries : []),
      ],
    }
    expect(await house.commit(COMPANY, all)).toBe(false)
    await house.clock.advance(MINUTE)
    expect(await house.records(COMPANY).get("other")).toBeUndefined()
    expect(await house.events.tail(COMPANY)).toBe(0)
    expect(house.receivers.got).toHaveLength(before)
    expect(await house.find("b")).toBeUndefined()
  })

  it("refuses bodies that are too large, ids that could be taken for something else, and channels of nobody", async () => {
    const house = await openDeliverHouse()
    const large = { text: "ы".repeat(256 * 1_024) }
    await expect(house.send("a", { body: large })).rejects.toMatchObject({ code: "PAYLOAD_TOO_LARGE" })
    for (const id of ["", "a.b", "a b", "ä", "a\n", "x".repeat(201)]) await expect(house.send(id)).rejects.toThrow("id")
    for (const endpoint of ["", "a/b", "a\nb", "x".repeat(101)]) {
      await expect(house.send("a", { endpoint })).rejects.toThrow("endpoint")
    }
    await expect(house.send("a", { channel: "in" })).rejects.toThrow("there is no channel in")
    expect(await house.find("a")).toBeUndefined()
  })

  it("is told to wait while ten thousand wait for the same endpoint, and others are not", async () => {
    const before = await openDeliverHouse()
    before.receivers.react = () => 500
    await before.send("a")
    await before.clock.settle()
    // The others are counted without being there.
    const more = { op: "increment", table: "delivery-waiting", key: "sender/out\nhook", by: 9_998 } as const
    await before.ledger.commit(COMPANY, [more])
    const house = await before.restart()
    expect(await house.send("last")).toBe(true)
    await expect(house.send("more")).rejects.toMatchObject({ code: "SERVER_BUSY" })
    expect(await house.send("more", { endpoint: "other" })).toBe(true)
    expect(await house.send("more", {}, "salon-2")).toBe(true)
  })
})

describe("each try", () => {
  it("has the same id and the same bytes, and a time of its own", async () => {
    const house = await openDeliverHouse()
    house.receivers.react = () => 500
    await house.send("evt_1", { body: { z: 1, a: "ü", n: null } })
    await house.clock.advance(MINUTE)
    const tries = house.receivers.got
    expect(tries).toHaveLength(3)
    expect(new Set(tries.map(({ headers }) => headers.get("webhook-id")))).toEqual(new Set(["evt_1"]))
    expect(new Set(tries.map(({ body }) => new TextDecoder().decode(body)))).toEqual(
      new Set(['{"z":1,"a":"ü","n":null}']),
    )
    const stamps = tries.map(({ headers, at }) => Number(headers.get("webhook-timestamp")) - Math.floor(at / 1_000))
    expect(stamps).toEqual([0, 0, 0])
    expect(tries[0]?.headers.get("content-type")).toBe("application/json")
    expect(tries[0]?.request).toMatchObject({ method: "POST", trusted: false, timeoutMs: 15_000 })
    expect(tries[0]?.request.redirects).toBeUndefined()
  })

  it("asks anew where it goes and with what it is signed", async () => {
    const house = await openDeliverHouse()
    const asked: unknown[] = []
    house.hooks.add("signer", "webhook:sign", (headers, { secrets, ...about }) => {
      asked.push({ secrets, ...about, body: new TextDecoder().decode(about.body) })
      return { ...headers, "webhook-signature": String(secrets) }
    })
    house.receivers.react = () => 500
    house.target = async () => ({
      url: "https://old.test/",
      secrets: ["one"],
      headers: { "x-own": "1", "webhook-id": "no" },
    })
    await house.send("a", { body: {} })
    await house.clock.settle()
    house.target = async () => ({ url: "http://10.0.0.1:81/", trusted: true, secrets: ["two", "one"] })
    await house.clock.advance(6 * SECOND)
    const [first, second] = house.receivers.got
    expect(first?.headers.get("webhook-signature")).toBe("one")
    expect(first?.headers.get("x-own")).toBe("1")
    expect(first?.headers.get("webhook-id")).toBe("a")
    expect(second?.headers.get("webhook-signature")).toBe("two,one")
    expect(second?.request.trusted).toBe(true)
    expect(asked[0]).toEqual({
      company: COMPANY,
      id: "a",
      timestamp: Math.floor((first?.at ?? 0) / 1_000),
      body: "{}",
      secrets: ["one"],
    })
  })

  it.each([
    ["throws", () => Promise.reject(new Error("away"))],
    ["takes too long", () => new Promise<undefined>(() => undefined)],
  ])("is put off where whoever knows the endpoint %s", async (_, target) => {
    const house = await openDeliverHouse()
    const { target: right } = house
    house.target = target
    await house.send("a")
    await house.clock.advance(11 * SECOND)
    expect(house.receivers.got).toHaveLength(0)
    expect((await house.find("a"))?.attempts[0]).toMatchObject({ status: null, error: "internal" })
    house.target = right
    await house.clock.advance(40 * SECOND)
    expect(await house.find("a")).toMatchObject({ state: "delivered" })
  })

  it("is put off where the signer fails: nothing goes out unsigned by mistake", async () => {
    const house = await openDeliverHouse()
    let broken = true
    house.hooks.add("signer", "webhook:sign", (headers) => {
      if (broken) throw new Error("no key")
      return { ...headers, "webhook-signature": "v1,right" }
    })
    await house.send("a")
    await house.clock.advance(4 * SECOND)
    expect(house.receivers.got).toHaveLength(0)
    broken = false
    await house.clock.advance(2 * SECOND)
    expect(house.receivers.got.map(({ headers }) => headers.get("webhook-signature"))).toEqual(["v1,right"])
  })

  it("ends everything for an endpoint that is no more, without a word to it", async () => {
    const house = await openDeliverHouse()
    house.target = async () => undefined
    await house.send("a")
    await house.clock.settle()
    expect(await house.find("a")).toMatchObject({ state: "cancelled", tries: 0 })
    expect(house.receivers.got).toHaveLength(0)
    expect(house.ended).toEqual([])
    expect(house.counted("whatsapp_deliveries_total")).toEqual({ cancelled: 1 })
  })
})

describe("side by side", () => {
  it("no endpoint has more than four tries at once, and one that fails has one", async () => {
    const house = await openDeliverHouse()
    house.receivers.react = () => "silence"
    for (let at = 0; at < 20; at++) await house.send(`a-${at}`)
    await house.clock.settle()
    expect(house.receivers.open).toBe(4)
    await house.clock.advance(15 * SECOND)
    expect(house.receivers.open).toBe(1)
    house.receivers.react = () => 204
    await house.clock.advance(15 * SECOND)
    await house.clock.settle()
    expect(house.receivers.open).toBe(0)
    await house.clock.advance(15 * MINUTE)
    expect(
      (await house.view.list(COMPANY, "out", { limit: 50 })).deliveries.every((one) => one.state === "delivered"),
    ).toBe(true)
  })

  it("slow endpoints do not delay fast ones, however many they are", async () => {
    const house = await openDeliverHouse()
    let most = 0
    house.hooks.add("counter", "webhook:sign", (headers) => {
      most = Math.max(most, house.receivers.open)
      return headers
    })
    house.receivers.react = ({ url }) => (url.includes("slow") ? "silence" : 204)
    for (let at = 0; at < 100; at++) {
      for (let one = 0; one < 3; one++) await house.send(`s-${one}`, { endpoint: `slow-${at}` })
    }
    // All are known to be slow from here on.
    await house.clock.advance(2 * MINUTE)
    expect(house.receivers.open).toBeLessThanOrEqual(64)
    const sent = house.clock.now()
    for (let at = 0; at < 50; at++) await house.send(`f-${at}`, { endpoint: `fast-${at}` })
    await house.clock.settle()
    const fast = house.receivers.got.filter(({ url }) => url.includes("fast"))
    expect(fast).toHaveLength(50)
    expect(fast.every(({ at }) => at === sent)).toBe(true)
    expect(most).toBeLessThanOrEqual(128)
  })

  it("never more than 128 are under way", async () => {
    const before = await openDeliverHouse({ resting: true })
    for (let at = 0; at < 200; at++) await before.send("a", { endpoint: `hook-${at}` })
    const house = await openDeliverHouse({ ledger: before.ledger, react: () => "silence" })
    await house.clock.settle()
    expect(house.receivers.open).toBe(128)
    await house.clock.advance(MINUTE)
    // Everybody has had a turn.
    expect(new Set(hosts(house)).size).toBe(200)
  })

  it.each([
    [true, 4],
    [false, 10],
  ])("companies share what an endpoint is tried at once where it is one place (%s)", async (shared, open) => {
    const house = await openDeliverHouse({ shared })
    house.receivers.react = () => "silence"
    for (let at = 0; at < 10; at++) await house.send("a", {}, `salon-${at}`)
    await house.clock.settle()
    expect(house.receivers.open).toBe(open)
  })

  it("what came first goes first", async () => {
    const house = await openDeliverHouse({ resting: true })
    for (let at = 0; at < 12; at++) await house.send(`n-${String(11 - at).padStart(2, "0")}`)
    const next = await house.restart()
    await next.clock.settle()
    const came = next.receivers.got.map(({ headers }) => headers.get("webhook-id"))
    expect(came).toEqual([...came].sort().reverse())
  })
})

describe("after a restart", () => {
  it("what waited is taken up, at its time", async () => {
    const before = await openDeliverHouse()
    before.receivers.react = () => 500
    await before.send("a")
    await before.send("b", {}, "salon-2")
    await before.clock.advance(MINUTE)
    const after = await before.restart()
    expect(after.counted("whatsapp_deliveries_pending")).toEqual({ "": 2 })
    after.receivers.react = () => 204
    await after.clock.settle()
    expect(after.receivers.got).toHaveLength(0)
    await after.clock.advance(3 * MINUTE)
    expect(after.receivers.got.map(({ headers }) => headers.get("webhook-id")).sort()).toEqual(["a", "b"])
    expect(after.counted("whatsapp_deliveries_pending")).toEqual({ "": 0 })
    expect(after.clock.armed).toBe(0)
  })

  it("what was under way comes again under its id", async () => {
    const before = await openDeliverHouse()
    before.receivers.react = () => "silence"
    await before.send("a")
    await before.clock.settle()
    before.receivers.react = () => 204
    const after = await before.restart()
    await after.clock.advance(SECOND)
    expect(after.receivers.got.map(({ headers }) => headers.get("webhook-id"))).toEqual(["a"])
    const last = await after.restart()
    await last.clock.advance(HOUR)
    expect(last.receivers.got).toEqual([])
  })

  it("without the ledger it would be lost", async () => {
    const ledger = createMemoryLedger()
    const before = await openDeliverHouse({ ledger, wrap: (one) => forgetful(one, DELIVERIES) })
    before.receivers.react = () => 500
    await before.send("a")
    await before.clock.advance(MINUTE)
    expect(before.receivers.got.length).toBeGreaterThan(1)
    const after = await before.restart()
    after.receivers.react = () => 204
    await after.clock.advance(3 * DAY)
    expect(after.receivers.got).toEqual([])
  })

  it("what waits for a plugin that is not there stays until it is", async () => {
    const before = await openDeliverHouse({ resting: true })
    await before.send("a")
    const { ledger } = before
    const without = await openDeliverHouse({ ledger, deaf: true })
    await without.clock.advance(10 * DAY)
    expect(without.log.lines.map(({ message }) => message)).toContain("Deliveries wait for a plugin that is not there")
    const again = await openDeliverHouse({ ledger })
    await again.clock.advance(SECOND)
    expect(again.receivers.got).toHaveLength(1)
  })
})

describe("an erased company", () => {
  it("has nothing sent any more, also of what is under way, and nothing of it is left", async () => {
    const house = await openDeliverHouse()
    house.receivers.react = () => "silence"
    await house.send("a")
    await house.send("b", {}, "salon-2")
    await house.clock.settle()
    expect(house.receivers.open).toBe(2)
    await house.erase(COMPANY)
    await house.clock.settle()
    expect(house.receivers.open).toBe(1)
    await house.clock.advance(DAY)
    expect(house.receivers.got.filter(({ at }) => at > (house.receivers.got[0]?.at ?? 0)).length).toBeGreaterThan(5)
    expect(await house.ledger.companies()).toEqual(["salon-2"])
    const sent = house.receivers.got.map(({ json }) => json.data["id"])
    expect(sent.filter((id) => id === "a")).toHaveLength(1)
    await expect(house.send("c")).rejects.toMatchObject({ code: "COMPANY_ERASED" })
  })

  it.each([
    [false, 0],
    [true, 1],
  ])("has nothing sent that was being made ready (%s: let out)", async (lateOut, sent) => {
    const house = await openDeliverHouse({ lateOut })
    let go = (): void => undefined
    const { target } = house
    house.target = async (to) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      return target(to)
    }
    await house.send("a")
    await house.clock.settle()
    // Whoever erases has not come to what is under way yet.
    const { ledger } = house
    await ledger.erase(COMPANY)
    if (!lateOut) await house.erase(COMPANY)
    go()
    await house.clock.settle()
    expect(house.receivers.got).toHaveLength(sent)
  })
})

describe("a ledger that fails", () => {
  const failing =
    (state: { down: boolean }) =>
    (ledger: Ledger): Ledger => {
      const guarded =
        <A extends unknown[], R>(run: (...input: A) => Promise<R>) =>
        async (...input: A): Promise<R> => {
          if (state.down) throw appError("STORAGE_UNAVAILABLE")
          return run(...input)
        }
      return { ...ledger, commit: guarded(ledger.commit), page: guarded(ledger.page), due: guarded(ledger.due) }
    }

  it("makes a delivery come again, in its own time, and loses none", async () => {
    const state = { down: false }
    const house = await openDeliverHouse({ wrap: failing(state) })
    house.receivers.react = () => {
      state.down = true
      return 204
    }
    await house.send("a")
    await house.clock.advance(10 * MINUTE)
    // Not noted as delivered, and not tried like mad either.
    expect(house.receivers.got).toHaveLength(1)
    state.down = false
    house.receivers.react = () => 204
    await house.clock.advance(MINUTE)
    expect(house.receivers.got).toHaveLength(2)
    expect(await house.find("a")).toMatchObject({ state: "delivered" })
    expect(house.log.text()).toContain("A delivery cannot be noted")
  })

  it("at the start hides nothing of what waits, though something new has come first", async () => {
    const state = { down: true }
    const before = await openDeliverHouse({ resting: true })
    for (const id of ["a", "b", "c"]) await before.send(id)
    const wrap = (ledger: Ledger): Ledger => ({
      ...ledger,
      due: async (...asked) => {
        if (state.down) throw appError("STORAGE_UNAVAILABLE")
        return ledger.due(...asked)
      },
    })
    const house = await openDeliverHouse({ ledger: before.ledger, wrap, react: () => 500 })
    await house.send("d")
    await house.clock.advance(SECOND)
    expect(house.receivers.got.map(({ headers }) => headers.get("webhook-id")).sort()).toEqual(["a", "b", "c", "d"])
    state.down = false
    await house.clock.advance(4 * SECOND)
    expect(house.counted("whatsapp_deliveries_pending")).toEqual({ "": 4 })
    house.receivers.react = () => 204
    await house.clock.advance(MINUTE)
    expect(house.counted("whatsapp_deliveries_pending")).toEqual({ "": 0 })
  })

  it("at the start is asked again", async () => {
    const state = { down: false }
    const before = await openDeliverHouse({ resting: true })
    await before.send("a")
    state.down = true
    const after = await openDeliverHouse({ ledger: before.ledger, wrap: failing(state) })
    await after.clock.advance(MINUTE)
    state.down = false
    await after.clock.advance(10 * SECOND)
    expect(after.receivers.got).toHaveLength(1)
  })
})

describe("what is kept", () => {
  it("is listed newest first, page by page, by channel and by endpoint", async () => {
    const house = await openDeliverHouse()
    for (let at = 0; at < 5; at++) await house.send(`m-${at}`, { endpoint: at % 2 === 0 ? "even" : "odd" })
    await house.clock.settle()
    const first = await house.view.list(COMPANY, "out", { limit: 3 })
    expect(first.deliveries.map(({ id }) => id)).toEqual(["m-4", "m-3", "m-2"])
    const rest = await house.view.list(COMPANY, "out", { limit: 3, after: first.next ?? "" })
    expect(rest.deliveries.map(({ id }) => id)).toEqual(["m-1", "m-0"])
    expect(rest.next).toBeNull()
    const even = await house.view.list(COMPANY, "out", { endpoint: "even", limit: 10 })
    expect(even.deliveries.map(({ id }) => id)).toEqual(["m-4", "m-2", "m-0"])
    expect((await house.view.list("salon-2", "out", { limit: 3 })).deliveries).toEqual([])
    expect((await house.view.list(COMPANY, "ou", { limit: 3 })).deliveries).toEqual([])
  })

  it("is sent again when it is asked for, as if it were new", async () => {
    const house = await openDeliverHouse()
    await house.send("a")
    await house.clock.settle()
    const ref = { id: "a", channel: "out", endpoint: "hook" }
    house.receivers.react = () => 500
    expect(await house.view.replay(COMPANY, ref)).toBe(true)
    await house.clock.settle()
    expect(await house.find("a")).toMatchObject({ state: "pending", tries: 1 })
    house.receivers.react = () => 204
    expect(await house.view.replay(COMPANY, ref)).toBe(true)
    await house.clock.settle()
    expect(await house.find("a")).toMatchObject({ state: "delivered", tries: 1 })
    expect(house.receivers.got).toHaveLength(3)
    expect(await house.view.replay(COMPANY, { ...ref, id: "b" })).toBe(false)
    expect(await house.view.replay("salon-2", ref)).toBe(false)
    expect(house.counted("whatsapp_deliveries_pending")).toEqual({ "": 0 })
  })

  it("goes a week after its end, and nothing of the endpoint stays behind", async () => {
    const house = await openDeliverHouse()
    await house.send("a")
    await house.clock.advance(7 * DAY - SECOND)
    await house.sweep()
    expect(await house.find("a")).toMatchObject({ state: "delivered" })
    await house.clock.advance(2 * SECOND)
    await house.sweep()
    expect(await house.find("a")).toBeUndefined()
    expect(await house.ledger.due("delivery-lane", Number.MAX_SAFE_INTEGER, 10)).toEqual([])
  })

  it("goes however many there are, but for what is sent again", async () => {
    const house = await openDeliverHouse()
    for (let at = 0; at < 6; at++) {
      const deliveries = Array.from({ length: 100 }, (_, one) => ({
        ...{ id: `${at}-${one}`, channel: "out", endpoint: `hook-${one}`, body: {} },
      }))
      await house.commit(at % 2 === 0 ? COMPANY : "salon-2", { deliveries })
    }
    await house.clock.settle()
    await house.clock.advance(8 * DAY)
    expect(await house.ledger.due("delivery", house.clock.now(), 2_000)).toHaveLength(600)
    house.receivers.react = () => "silence"
    await house.view.replay(COMPANY, { id: "0-7", channel: "out", endpoint: "hook-7" })
    await house.sweep()
    expect((await house.view.list(COMPANY, "out", { limit: 100 })).deliveries.map(({ id }) => id)).toEqual(["0-7"])
    expect((await house.view.list("salon-2", "out", { limit: 100 })).deliveries).toEqual([])
  })

  it("is found by the sweep when somebody else has put it there", async () => {
    const house = await openDeliverHouse()
    const other = await openDeliverHouse({ ledger: house.ledger, resting: true })
    await other.send("a")
    await house.clock.advance(HOUR)
    expect(house.receivers.got).toHaveLength(0)
    await house.sweep()
    await house.clock.settle()
    expect(house.receivers.got).toHaveLength(1)
  })

  it("is sealed like everything else of a company", async () => {
    const { sealer } = await createTestSealing()
    const plain = createMemoryLedger()
    const ledger = openSealedLedger(plain, { sealer: () => sealer, onUnreadable: () => undefined })
    const before = await openDeliverHouse({ ledger })
    before.receivers.react = () => 500
    await before.send("a", { body: { text: "the parcel is at the door" } })
    await before.clock.advance(SECOND)
    const { records } = await plain.dump(COMPANY, undefined, 100)
    const bytes = records.map((record) =>
      "value" in record && typeof record.value !== "number" ? Buffer.from(record.value).toString("latin1") : "",
    )
    expect(records.filter(({ table }) => table === "delivery")).toHaveLength(1)
    expect(bytes.join("\n")).not.toContain("parcel")
    const after = await before.restart()
    after.receivers.react = () => 204
    await after.clock.advance(MINUTE)
    expect(after.receivers.got[0]?.json).toEqual({ text: "the parcel is at the door" })
  })
})

it("the end of an endpoint that nobody hears is an end all the same", async () => {
  const house = await openDeliverHouse()
  house.receivers.react = () => 410
  house.onEnd = () => Promise.reject(new Error("cannot be disabled"))
  await house.send("a")
  await house.clock.settle()
  expect(await house.find("a")).toMatchObject({ state: "gone" })
  house.onEnd = () => new Promise(() => undefined)
  await house.send("b")
  await house.clock.advance(11 * SECOND)
  expect(await house.find("b")).toMatchObject({ state: "gone" })
})
