import { describe, expect, it } from "vitest"
import { errorWords, withoutSecrets } from "../../core/log-words.ts"
import { createSafeLog } from "../../core/safe-log.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"

const KEY = Buffer.alloc(32, 0xb7)

describe("Words of others in a log", () => {
  it.each([
    ["a phone number", "cannot reach 79001234567 now", "79001234567"],
    ["one with punctuation", "cannot reach +7 (900) 123-45-67 now", "123-45-67"],
    ["a JID", "no session for 79001234567:12@s.whatsapp.net", "79001234567"],
    ["a short LID", "no session for 4711@lid", "4711"],
    ["a key in base64", `bad key ${KEY.toString("base64")}`, KEY.toString("base64").slice(0, 20)],
    ["a key in base64url", `bad key ${KEY.toString("base64url")}`, KEY.toString("base64url").slice(0, 20)],
    ["a key in hex", `bad key ${KEY.toString("hex")}`, KEY.toString("hex").slice(0, 20)],
    ["a QR text", `bad ref 2@${KEY.toString("base64")},${KEY.toString("base64")}`, KEY.toString("base64").slice(4, 20)],
    ["what a parser could not read", `Unexpected token 'h', "hush hush" is not valid JSON`, "hush"],
    ["a login in a URL", "redis://canary:s3cret@host:6379 is away", "s3cret"],
    ["a login without a name", "redis://:s3cret@host is away", "s3cret"],
    ["a password with a sign in it", "socks5://u:p@ss@host is away", "ss@"],
    ["a query", "GET https://host/path?token=abc failed", "abc"],
    ["what is in front of the digits of a key", "bad key kQzX1234567890123kQzXcVbNmAsDf", "kQzX"],
    ["a key of a company", "wak_abcdefghij_cqc0123456789012345678901234567890123 is no key", "cqc0123"],
  ])("lose %s", (_, text, secret) => {
    expect(text).toContain(secret)
    expect(withoutSecrets(text)).not.toContain(secret)
  })

  it.each([
    "connect ECONNREFUSED 127.0.0.1:54321",
    "EACCES: permission denied, open '/var/lib/switchboard/sessions/company/salon/journal'",
    "WHATSAPP_RATE_LIMIT_PER_COMPANY: expected a number from 1",
    "ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH",
    "no result within 30000 ms",
    "https://bucket.example.com/path answered 503",
  ])("keep what an operator needs: %s", (text) => expect(withoutSecrets(text)).toBe(text))

  it("are cut where they are endless, and take no long time", () => {
    const begun = performance.now()
    for (const text of ["1-".repeat(5e4), `+1${" ".repeat(1e5)}`, `://${"a@".repeat(5e4)}`, "A1/".repeat(5e4)]) {
      expect(withoutSecrets(text).length).toBeLessThanOrEqual(2_000)
    }
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})

describe("An error in a log", () => {
  const failed = Object.assign(new Error("WRONGTYPE for 79001234567", { cause: new TypeError("of 79001234568") }), {
    code: "ERR_X",
    input: "redis://:canary@host",
    command: { name: "hset", args: ["canary"] },
  })

  it("has its words, its code, its place and its causes, and no other property", () => {
    const words = errorWords(failed)
    expect(words).toMatchObject({ type: "Error", message: "WRONGTYPE for …", code: "ERR_X" })
    expect(words.cause).toMatchObject({ type: "TypeError", message: "of …" })
    expect(String(words.stack)).toContain("log-words.test.ts")
    expect(JSON.stringify(words)).not.toMatch(/canary|7900123/)
  })

  it("is not followed round in a circle, and may have a code of any kind", () => {
    const circle: Error & { code?: unknown } = new Error("round")
    circle.cause = circle
    circle.code = { toString: () => "79001234567" }
    expect(JSON.stringify(errorWords(circle))).not.toContain("7900")
  })

  it("comes into the log of the house in no other way", () => {
    const kept = createTestLog()
    const log = createSafeLog(kept, createTestClock()).log
    log.child({ error: failed }).error({ company: "79001234567", error: failed }, "Failed")
    log.warn({ error: "no answer of 79001234567", reason: "redis://:canary@h", url: "http://127.0.0.1:3000" }, "Away")
    const fields = kept.lines.map((line) => line.fields)
    // A company's id is the operator's own word.
    expect(fields[0]).toMatchObject({ company: "79001234567", error: { message: "WRONGTYPE for …" } })
    expect(fields[1]).toEqual({ error: "no answer of …", reason: "redis://…h", url: "http://127.0.0.1:3000" })
  })

  it("is told of by its type alone when it is none", () => {
    const kept = createTestLog()
    const thrown = { phone: "79001234567", text: "canary" } as unknown as Error
    createSafeLog(kept, createTestClock()).log.error({ error: thrown }, "Failed")
    expect(kept.lines[0]?.fields).toMatchObject({ error: { message: "Rejected with object [object Object]" } })
    expect(kept.text()).not.toMatch(/canary|7900/)
  })

  it("stays out at levels that are not logged", () => {
    const kept = createTestLog()
    const log = createSafeLog({ ...kept, level: "warn" }, createTestClock()).log
    log.info({}, "no")
    log.warn({}, "yes")
    expect(kept.lines.map(({ message }) => message)).toEqual(["yes"])
  })
})
