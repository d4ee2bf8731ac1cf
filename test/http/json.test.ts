import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { parseJson, readBody } from "../../core/http/json.ts"
import { createTestClock } from "../support/clock.ts"
import { z } from "../../core/plugin.ts"
import { defineRoute } from "../../core/route.ts"
import { type Answer, createHouse, read, sampleRoutes } from "./harness.ts"

const path = "/api/whatsapp/send"
const good = JSON.stringify({ companyId: "a", phone: "79001234567", message: "Hi" })
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const nested = (levels: number): string => "[".repeat(levels) + "]".repeat(levels)

const streamOf = (pieces: Iterable<Uint8Array>): ReadableStream => {
  const next = pieces[Symbol.iterator]()
  return new ReadableStream({
    pull(controller) {
      const { done, value } = next.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
  })
}

/** A body without a declared length, in pieces. */
const streamed = (pieces: Iterable<Uint8Array>, headers: Record<string, string> = {}): Request =>
  new Request(`http://localhost${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "admin", ...headers },
    body: streamOf(pieces),
    duplex: "half",
  } as RequestInit)

describe("A JSON body", () => {
  it.each([
    ["nothing", ""],
    ["half of it", '{"companyId":"a"'],
    ["two values", "{}{}"],
    ["a comment", "{/* */}"],
    ["single quotes", "{'a':1}"],
    ["a number that is none", "NaN"],
    ["a trailing comma", "[1,]"],
    ["spaces alone", "   "],
  ])("of %s is INVALID_JSON", async (_, body) => {
    const answer = await createHouse().call("POST", path, body)
    expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_JSON"])
  })

  it("of 32 levels is read, of 33 refused, and of a million as well", () => {
    expect(() => parseJson(bytes(nested(32)))).not.toThrow()
    expect(() => parseJson(bytes(nested(33)))).toThrow("nested deeper than 32 levels")
    expect(() => parseJson(bytes(nested(1_000_000)))).toThrow("nested deeper than 32 levels")
    expect(() => parseJson(bytes(`${'{"a":'.repeat(33)}1${"}".repeat(33)}`))).toThrow("nested deeper")
  })

  it.each(['{"__proto__":{}}', '{"a":{"constructor":1}}', '[{"prototype":1}]', '{"\\u005f_proto__":{"admin":true}}'])(
    "with a key that every object has is refused: %s",
    async (body) => {
      const answer = await createHouse().call("POST", path, body)
      expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_JSON"])
      expect(({} as Record<string, unknown>).admin).toBeUndefined()
    },
  )

  it.each([
    '{"a":1,"a":2}',
    '{"companyId":"a","phone":"7","companyId":"b"}',
    '[{"b":{"a":1,"a":1}}]',
    '{"a":1,"\\u0061":2}',
    '{"a\\"b":1,"a\\"b":2}',
    '{"":1,"":2}',
  ])("with a key twice is refused, since one of two readers would go by the other: %s", async (body) => {
    expect(() => parseJson(bytes(body))).toThrow("the same key twice")
    const answer = await createHouse().call("POST", path, body)
    expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_JSON"])
  })

  it("with every key once is read as it is, whatever stands in its texts", () => {
    const text = fc.oneof(
      fc.string({ unit: fc.constantFrom('"', "\\", ":", "{", "}", ",", "a", " "), maxLength: 12 }),
      fc.string({ unit: "binary", maxLength: 12 }).filter((some) => !/\p{Cs}/u.test(some)),
    )
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { depthSize: "small" },
        text,
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constantFrom(null, true),
        tie("list"),
        tie("object"),
      ),
      list: fc.array(tie("any"), { maxLength: 4 }),
      object: fc.dictionary(text, tie("any"), { maxKeys: 4, noNullPrototype: true }),
    })).any
    const hostile = /"(?:__proto__|constructor|prototype)":/
    fc.assert(
      fc.property(value, fc.constantFrom(0, 2), (given, indent) => {
        const written = JSON.stringify(given, null, indent)
        if (hostile.test(written)) return
        expect(parseJson(bytes(written))).toEqual(JSON.parse(written))
        expect(() => parseJson(bytes(`[${written},{"x":1,"x":${written}}]`))).toThrow(/same key twice|nested deeper/)
      }),
      { numRuns: 2_000, seed: 61 },
    )
  })

  it("may have those words as values", () => {
    expect(parseJson(bytes('{"a":"__proto__"}'))).toEqual({ a: "__proto__" })
  })

  it.each([[[0xff]], [[0x22, 0xc3, 0x22]], [[0x22, 0xed, 0xa0, 0x80, 0x22]], [[0x22, 0xc0, 0x80, 0x22]]])(
    "that is no UTF-8 is refused, not mended: %j",
    (units) => {
      expect(() => parseJson(new Uint8Array(units))).toThrow("not valid UTF-8")
    },
  )

  it("in UTF-16 is refused", () => {
    expect(() => parseJson(new Uint8Array([0xff, 0xfe, 0x7b, 0, 0x7d, 0]))).toThrow("not valid UTF-8")
  })

  it("may begin with the mark that some programs write before UTF-8", () => {
    expect(parseJson(new Uint8Array([0xef, 0xbb, 0xbf, ...bytes("{}")]))).toEqual({})
  })
})

describe("A body's size", () => {
  it("is refused as it is declared, before anything is read", async () => {
    let touched = false
    const body = new ReadableStream(
      {
        pull(controller) {
          touched = true
          controller.enqueue(new Uint8Array(10))
        },
      },
      { highWaterMark: 0 },
    )
    const house = createHouse({ settings: { bodyLimit: 100 } })
    const request = new Request(`http://localhost${path}`, {
      method: "POST",
      headers: { "content-length": "101", "content-type": "application/json" },
      body,
      duplex: "half",
    } as RequestInit)
    const answer = await read(await house.http.fetch(request))
    expect([answer.status, answer.json.error.code, touched]).toEqual([413, "PAYLOAD_TOO_LARGE", false])
  })

  it("is refused as it comes when it is not declared, and the rest is not read", async () => {
    let given = 0
    function* endless() {
      for (;;) {
        given += 1
        yield new Uint8Array(1_000)
      }
    }
    const house = createHouse({ settings: { bodyLimit: 5_000 } })
    const answer = await read(await house.http.fetch(streamed(endless(), { "x-api-key": "wrong" })))
    expect([answer.status, answer.json.error.code]).toEqual([413, "PAYLOAD_TOO_LARGE"])
    expect(given).toBeLessThan(10)
  })

  it("is told 401 when its size and type are right, with a key that nobody knows, having been counted once", async () => {
    let asked = 0
    const house = createHouse({
      identify: false,
      prepare: (hooks) => hooks.add("count", "request:identify", () => void (asked += 1)),
    })
    expect((await read(await house.http.fetch(streamed([bytes(good)])))).json.error.code).toBe("UNAUTHORIZED")
    expect((await read(await house.http.fetch(streamed([bytes("{")])))).json.error.code).toBe("UNAUTHORIZED")
    const text = streamed([bytes(good)], { "content-type": "text/plain" })
    expect((await read(await house.http.fetch(text))).status).toBe(415)
    expect(asked).toBe(3)
  })

  it("up to the limit is fine, declared or not", async () => {
    const house = createHouse({ settings: { bodyLimit: good.length } })
    expect((await house.call("POST", path, good)).status).toBe(200)
    expect((await read(await house.http.fetch(streamed([bytes(good)])))).status).toBe(200)
    expect((await house.call("POST", path, `${good} `)).status).toBe(413)
  })

  it("does not matter in how many pieces it comes, even through the middle of a character", async () => {
    const text = JSON.stringify({ companyId: "a", phone: "7", message: "привет 😀" })
    const pieces = [...bytes(text)].map((byte) => new Uint8Array([byte]))
    const answer = await read(await createHouse().http.fetch(streamed(pieces)))
    expect(answer.json.data).toEqual({ company: "a", length: 9 })
  })
})

describe("A body that", () => {
  const stuck = (declared: boolean): Request =>
    new Request("http://localhost/", {
      method: "POST",
      headers: declared ? { "content-length": "10" } : {},
      body: new ReadableStream({ start: (controller) => controller.enqueue(bytes("{")) }),
      duplex: "half",
    } as RequestInit)

  it.each([true, false])("does not come to an end is given up after 30 s (declared: %s)", async (declared) => {
    const clock = createTestClock()
    const reading = readBody(stuck(declared), 100, clock).then(
      () => "read",
      (error: Error) => error.message,
    )
    await clock.advance(29_999)
    expect(await Promise.race([reading, Promise.resolve("waiting")])).toBe("waiting")
    await clock.advance(1)
    expect(await reading).toBe("The body did not arrive in time")
  })

  it.each([true, false])("breaks off is the caller's fault, not ours (declared: %s)", async (declared) => {
    const house = createHouse()
    const body = new ReadableStream({ start: (controller) => controller.error(new Error("reset")) })
    const headers = {
      "content-type": "application/json",
      "x-api-key": "admin",
      ...(declared ? { "content-length": "9" } : {}),
    }
    const request = new Request(`http://localhost${path}`, {
      method: "POST",
      headers,
      body,
      duplex: "half",
    } as RequestInit)
    const answer = await read(await house.http.fetch(request))
    expect([answer.status, answer.json.error.code]).toEqual([400, "INVALID_JSON"])
  })

  it.each([true, false])(
    "is large has as long as a slow line needs for it, and one that trickles has not (declared: %s)",
    async (declared) => {
      const size = 4 * 1024 * 1024
      const arrive = async (bytesPerSecond: number): Promise<string> => {
        const clock = createTestClock()
        let feed: ReadableStreamDefaultController<Uint8Array> | undefined
        const request = new Request("http://localhost/", {
          method: "POST",
          headers: declared ? { "content-length": String(size) } : {},
          body: new ReadableStream<Uint8Array>({ start: (controller) => void (feed = controller) }),
          duplex: "half",
        } as RequestInit)
        let outcome = ""
        void readBody(request, size, clock).then(
          (whole) => (outcome = `${whole.byteLength} bytes`),
          (error: Error) => (outcome = error.message),
        )
        const seconds = Math.ceil(size / bytesPerSecond)
        for (let second = 0; second < seconds && outcome === ""; second++) {
          await clock.advance(1_000)
          if (outcome === "") feed?.enqueue(new Uint8Array(Math.min(bytesPerSecond, size - second * bytesPerSecond)))
        }
        if (outcome === "") feed?.close()
        await clock.settle()
        return `${outcome} after ${Math.round(clock.monotonic() - createTestClock().monotonic())} ms`
      }
      expect(await arrive(20_000)).toBe(`${size} bytes after 210000 ms`)
      expect(await arrive(100)).toBe("The body did not arrive in time after 30000 ms")
      // What has come earns time, and no more than that.
      expect(await arrive(8_192)).toBe("The body did not arrive in time after 58000 ms")
    },
  )

  it("comes from nobody known has room with all others of its kind, and callers who are known have theirs", async () => {
    const open = defineRoute(
      {
        method: "post",
        path: "/api/whatsapp/open",
        scope: "none",
        company: "none",
        summary: "Open",
        tag: "Open",
        body: z.object({}),
        responses: { 200: { description: "Taken" } },
      },
      () => ({ success: true }),
    )
    const house = createHouse({ routes: [open, ...sampleRoutes] })
    const post = async (body: BodyInit): Promise<Answer> => {
      const headers = { "content-type": "application/json", "content-length": "1000000" }
      const init = { method: "POST", headers, body, duplex: "half" } as RequestInit
      return read(await house.http.fetch(new Request("http://localhost/api/whatsapp/open", init)))
    }
    const half = () =>
      new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(1_000_000).fill(32)) })
    const held = Array.from({ length: 67 }, () => post(half()))
    await house.clock.settle()
    const busy = await post(`{${" ".repeat(999_998)}}`)
    expect([busy.status, busy.json.error.code, busy.headers.get("retry-after")]).toEqual([503, "SERVER_BUSY", "5"])
    expect((await house.call("POST", path, good)).status).toBe(200)
    // Those that never go on make room again.
    await house.clock.advance(92_000)
    for (const answer of held) expect((await answer).json.error.code).toBe("INVALID_JSON")
    expect((await post(`{${" ".repeat(999_998)}}`)).status).toBe(200)
  })

  it("was read leaves no timer behind", async () => {
    const clock = createTestClock()
    await readBody(streamed([bytes(good)]), 1_000, clock)
    expect(clock.armed).toBe(0)
  })
})
