import fc from "fast-check"
import { Webhook } from "standardwebhooks"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { toBase64 } from "../../plugins/webhook-signature/base64.ts"
import { signedContent } from "../../plugins/webhook-signature/signatures.ts"
import { bytesOf, openSigning, standardSignature } from "./webhook-signature-house.ts"

/** The reference library of Standard Webhooks for JavaScript beside the plugin, over whatever bodies chance brings. */

const RUNS = 3_000
const SEED = 20260101
const NOW = Date.UTC(2026, 0, 1)
const MINUTES = 60_000
const OK = "standard-webhooks"
const NO = "INVALID_SIGNATURE"
const system = createNodeSystem()

const json = fc.json().map(bytesOf)
const text = fc.string({ unit: "binary", maxLength: 200 }).map(bytesOf)
const marked = fc
  .constantFrom("\uFEFF", "\0", "\uFEFF{}", '{"a":"\\u0000"}', '{"a":"\0"}', "", " ", "\r\n")
  .map(bytesOf)
const joined = fc.tuple(marked, json, marked).map((parts) => new Uint8Array(Buffer.concat(parts)))
const random = fc.uint8Array({ maxLength: 300 })
/** Half of a character, a character that is too long for itself, a surrogate by itself, bytes that never occur. */
const broken = fc
  .tuple(json, fc.constantFrom([0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xff, 0xfe], [0xf5, 0x80]))
  .map(([bytes, tail]) => Uint8Array.of(...bytes, ...tail))

const idOf = fc.string({ unit: fc.constantFrom(...Array.from("abcXYZ019_-:/+=~!,")), minLength: 1, maxLength: 60 })
const call = fc.record({
  body: fc.oneof(json, text, joined, random, broken),
  key: fc.uint8Array({ minLength: 24, maxLength: 64 }),
  id: idOf,
  offset: fc.integer({ min: -300, max: 300 }),
})

const isUtf8 = (bytes: Uint8Array): boolean => Buffer.from(Buffer.from(bytes).toString()).equals(bytes)
const accepts = (library: Webhook, body: Uint8Array, headers: Record<string, string>): boolean => {
  try {
    library.verify(Buffer.from(body), headers, { jsonParse: false })
    return true
  } catch {
    return false
  }
}

describe("beside the library standardwebhooks", () => {
  // The library looks at the machine's clock, which has to stand where the plugin's stands.
  beforeAll(() => void vi.useFakeTimers({ toFake: ["Date"], now: NOW }))
  afterAll(() => void vi.useRealTimers())

  it("the plugin takes what the library signs, and the library what is signed as the plugin reads it", {
    timeout: 5 * MINUTES,
  }, async () => {
    const { verify, house } = await openSigning({}, { start: NOW })
    const seen = { utf8: 0, other: 0 }
    await fc.assert(
      fc.asyncProperty(call, async ({ body, key, id, offset }) => {
        const secret = `whsec_${toBase64(key)}`
        house.companies.acme = { webhookSecret: secret }
        const library = new Webhook(secret)
        const stamp = Math.floor(house.clock.now() / 1_000) + offset
        const theirs = library.sign(id, new Date(stamp * 1_000), Buffer.from(body))
        const ours = `v1,${toBase64(system.hmac(key, signedContent({ id, timestamp: String(stamp), signatures: [] }, body)))}`
        const headers = (signature: string) => ({
          "webhook-id": id,
          "webhook-timestamp": String(stamp),
          "webhook-signature": signature,
        })
        const verdict = (signature: string) => verify(body, Object.entries(headers(signature)))

        expect(ours).toBe(standardSignature(key, id, stamp, body))
        expect(await verdict(ours)).toBe(OK)
        // The library reads bytes that are no UTF-8 as other ones before it signs them; here they count as they come.
        const same = isUtf8(body)
        seen[same ? "utf8" : "other"]++
        expect(await verdict(theirs)).toBe(same ? OK : NO)
        expect(accepts(library, body, headers(ours))).toBe(same)

        const altered = Uint8Array.from([...body, 0x20])
        expect(await verify(altered, Object.entries(headers(ours)))).toBe(NO)
        expect(accepts(library, altered, headers(ours))).toBe(false)
      }),
      { numRuns: RUNS, seed: SEED },
    )
    // Neither kind is there by accident alone.
    expect(Math.min(seen.utf8, seen.other)).toBeGreaterThan(RUNS / 10)
  })

  it("both refuse the same calls when a header is not what it was", { timeout: MINUTES }, async () => {
    const { verify, house } = await openSigning({}, { start: NOW })
    const spoilt = fc.record({
      name: fc.constantFrom("webhook-id", "webhook-timestamp", "webhook-signature"),
      how: fc.constantFrom("cut", "left out", "changed"),
    })
    await fc.assert(
      fc.asyncProperty(call, spoilt, async ({ key, id }, { name, how }) => {
        const secret = `whsec_${toBase64(key)}`
        house.companies.acme = { webhookSecret: secret }
        const library = new Webhook(secret)
        const stamp = Math.floor(house.clock.now() / 1_000)
        const body = bytesOf("{}")
        const headers: Record<string, string> = {
          "webhook-id": id,
          "webhook-timestamp": String(stamp),
          "webhook-signature": library.sign(id, new Date(stamp * 1_000), "{}"),
        }
        const value = headers[name] ?? ""
        if (how === "left out") delete headers[name]
        else
          headers[name] =
            how === "cut" ? value.slice(0, -1) : `${value.slice(0, -2)}${value.endsWith("11") ? "00" : "11"}`
        expect(await verify(body, Object.entries(headers))).toBe(NO)
        expect(accepts(library, body, headers)).toBe(false)
      }),
      { numRuns: 500, seed: SEED },
    )
  })
})
