import { describe, expect, it } from "vitest"
import type { Egress, UrlFault } from "../../core/egress.ts"
import type { Draft, MediaSource } from "../../core/types.ts"
import validation from "../../plugins/validation/index.ts"
import { everyScope } from "../http/harness.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestEgress } from "../support/egress.ts"
import { createTestLog } from "../support/log.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const call = (company = "a") => ({ company, requestId: "r", principal: { kind: "admin", scopes: everyScope } }) as const
const paths = { recipient: "phone", media: "media.url" } as const
const withMedia = (media: MediaSource): Draft => ({
  to: { kind: "phone", phone: "79001234567" },
  content: { type: "image", media },
})
const houseOf = (egress: Egress): Promise<PluginHouse> => createPluginHouse({ plugins: [[validation, {}]], egress })

async function refusal(house: PluginHouse, message: Draft, more: Record<string, unknown> = {}) {
  const found = await house.hooks.guard("message:validate", { ...call(), message, faults: [], paths, ...more })
  return found?.error
}

/** A way out that notes what it is asked. */
function watched(verdict: (url: string) => Promise<UrlFault | undefined>) {
  const urls: string[] = []
  const judge = (url: string): Promise<UrlFault | undefined> => {
    urls.push(url)
    return verdict(url)
  }
  return { urls, egress: { ...createTestEgress(), judge } }
}

describe("The URL of an attachment", () => {
  const names = { "inside.example": ["10.0.0.8"], "both.example": ["93.184.215.14", "127.0.0.1"] }
  const guarded = (guard: boolean) =>
    houseOf(createTestEgress({ names, guard, clock: createTestClock(), log: createTestLog() }))
  const inside = [
    ...["http://127.0.0.1/a", "http://2130706433/a", "http://0x7f.1/a", "http://[::1]/a", "http://localhost/a"],
    ...["http://169.254.169.254/latest/meta-data", "https://inside.example/a", "https://both.example/a"],
    ...[
      "http://[::ffff:10.0.0.8]/a",
      "http://１２７.０.０.１/a",
      "https://user:secret@files.example/a",
      "https://files.example:25/a",
    ],
  ]

  it.each(inside)("that leads inside is INVALID_MEDIA_URL, and is not repeated: %s", async (url) => {
    const error = await refusal(await guarded(true), withMedia({ url }))
    expect([error?.code, error?.spec.status]).toEqual(["INVALID_MEDIA_URL", 400])
    expect(error?.details).toEqual([{ path: "media.url", code: "INVALID_MEDIA_URL", message: expect.any(String) }])
    expect(JSON.stringify([error?.message, error?.details])).not.toMatch(/127|10\.0|169|example|secret/)
    // Without the guard the same URL gets through here.
    expect(await refusal(await guarded(false), withMedia({ url }))).toBeUndefined()
  })

  it("that leads outside is fine, and an attachment in the body has none", async () => {
    const house = await guarded(true)
    expect(await refusal(house, withMedia({ url: "https://files.example/a.png" }))).toBeUndefined()
    expect(await refusal(house, withMedia({ base64: "AAAA", mimetype: "image/png" }))).toBeUndefined()
  })

  it("is named where the caller wrote it", async () => {
    const message = withMedia({ url: "http://127.0.0.1/a" })
    const error = await refusal(await guarded(true), message, { paths: { recipient: "to", media: "mediaUrl" } })
    expect(error?.details).toMatchObject([{ path: "mediaUrl" }])
  })
})

describe("Judging a URL", () => {
  const url = "https://files.example/a.png"

  it("asks no name server while anything else is wrong", async () => {
    const { urls, egress } = watched(async () => undefined)
    const house = await houseOf(egress)
    const fault = { path: "ttl", code: "VALIDATION_ERROR", message: "Expected whole seconds" }
    await refusal(house, withMedia({ url }), { faults: [fault] })
    await refusal(house, { ...withMedia({ url }), to: { kind: "phone", phone: "123" } })
    expect(urls).toEqual([])
    await refusal(house, withMedia({ url }))
    expect(urls).toEqual([url])
  })

  it("lets a name through that nobody knows now: it leads nowhere yet, and is judged again when it is fetched", async () => {
    const unresolved: UrlFault = { reason: "unresolved", message: "expected a host that has a public address" }
    const house = await houseOf(watched(async () => unresolved).egress)
    expect(await refusal(house, withMedia({ url }))).toBeUndefined()
  })

  it("ends within the time of a hook: a host that is not found by then is judged when it is fetched", async () => {
    const { egress } = watched(() => new Promise(() => undefined))
    const house = await houseOf(egress)
    const asked = refusal(house, withMedia({ url }))
    await house.clock.advance(1_700)
    expect(await asked).toBeUndefined()
    expect([house.clock.armed, house.log.lines.filter(({ level }) => level === "error")]).toEqual([0, []])
  })

  it("goes on for sixteen of a company at once, and the next is told to come again", async () => {
    let answer: (fault: UrlFault | undefined) => void = () => undefined
    const { egress, urls } = watched(() => new Promise((resolve) => (answer = resolve)))
    const house = await houseOf(egress)
    const many = Array.from({ length: 16 }, () => refusal(house, withMedia({ url })))
    await house.clock.settle()
    const busy = await refusal(house, withMedia({ url }))
    expect([busy?.code, busy?.spec.status, busy?.retryAfter]).toEqual(["URL_CHECKS_BUSY", 429, 1])
    const other = refusal(house, withMedia({ url }), call("b"))
    await house.clock.settle()
    expect(urls).toHaveLength(17)
    answer(undefined)
    expect(await other).toBeUndefined()
    await house.clock.advance(1_700)
    await Promise.all(many)
  })

  it("makes room when a judgement has ended, also one that failed", async () => {
    let failing = true
    const { egress } = watched(async () => {
      if (failing) throw new Error("no name server")
      return undefined
    })
    const house = await houseOf(egress)
    for (let time = 0; time < 40; time++)
      expect(await refusal(house, withMedia({ url }))).toMatchObject({ code: "PLUGIN_FAULT" })
    failing = false
    expect(await refusal(house, withMedia({ url }))).toBeUndefined()
  })
})
