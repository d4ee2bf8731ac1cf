import { createHash, randomBytes } from "node:crypto"
import { describe, expect, it } from "vitest"
import { createNodeSystem } from "../../adapters/system/node.ts"
import type { System } from "../../core/system.ts"
import plugin from "../../plugins/webhook-signature/index.ts"
import {
  hubSignature,
  openSigning,
  type Signing,
  standardHeaders,
  standardSignature,
} from "./webhook-signature-house.ts"

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const KEY = Buffer.from(SECRET.slice("whsec_".length), "base64")
const ID = "msg_p5jXN8AQM9LWM0D4loKWxJek"
const STAMP = 1614265330
const BODY = '{"test": 2432232314}'
const GOOD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
const BAD = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
const HUB_SECRET = "It's a Secret to Everybody"
const HUB_BODY = "Hello, World!"
const HUB_GOOD = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

const OK = "standard-webhooks"
const NO = "INVALID_SIGNATURE"
type Change = Readonly<Record<string, string | undefined>>

/** The published call, with some headers changed or left out. */
const published = (change: Change = {}): [string, string][] =>
  Object.entries({
    "webhook-id": ID,
    "webhook-timestamp": String(STAMP),
    "webhook-signature": GOOD,
    ...change,
  }).flatMap(([name, value]) => (value === undefined ? [] : [[name, value] as [string, string]]))
const at = (secret: string = SECRET, seconds = STAMP, more = {}): Promise<Signing> =>
  openSigning({ secret, ...more }, { start: seconds * 1_000 })

describe("the published vectors of Standard Webhooks", () => {
  it.each<[string, Change, string]>([
    ["V1 the call as it stands", {}, OK],
    [
      "V2 the good signature among others",
      { "webhook-signature": `${BAD} ${GOOD.replace("v1", "v2")} ${GOOD} ${BAD}` },
      OK,
    ],
    ["V3 another signature alone", { "webhook-signature": BAD }, NO],
    ["V4 its last character changed", { "webhook-signature": GOOD.replace("OE=", "OA=") }, NO],
    ["V5 no base64 of a digest", { "webhook-signature": "v1,dawfeoifkpqwoekfpqoekf" }, NO],
    ["V5 cut to 8 characters", { "webhook-signature": GOOD.slice(0, 8) }, NO],
    ["V5 nothing behind v1", { "webhook-signature": "v1," }, NO],
    ["V6 no id", { "webhook-id": undefined }, NO],
    ["V6 no time stamp", { "webhook-timestamp": undefined }, NO],
    ["V6 no signature", { "webhook-signature": undefined }, NO],
    ["V6 a word for a time stamp", { "webhook-timestamp": "hello" }, NO],
    ["V12 a good value under another version", { "webhook-signature": GOOD.replace("v1", "v2") }, NO],
    ["V12 a good value under v1a", { "webhook-signature": GOOD.replace("v1", "v1a") }, NO],
  ])("%s", async (_, change, expected) => {
    const { verify } = await at()
    expect(await verify(BODY, published(change))).toBe(expected)
  })

  it.each([
    ["V7 a fraction", `${STAMP}.5`],
    ["V7 a negative one", `-${STAMP}`],
    ["a sign", `+${STAMP}`],
    ["trailing junk", `${STAMP}abc`],
    ["an exponent", "16e8"],
    ["hexadecimal", "0x60379632"],
    ["thirteen digits", `${STAMP}000`],
    ["full-width digits", "１６１４２６５３３０"],
    ["nothing", " "],
  ])("a time stamp with %s is none, though it is signed", async (_, stamp) => {
    const { verify } = await at()
    const headers = published({ "webhook-timestamp": undefined, "webhook-signature": undefined })
    const given = Buffer.from(stamp, "utf8").toString("latin1")
    headers.push(["webhook-timestamp", given], ["webhook-signature", standardSignature(KEY, ID, stamp, BODY)])
    expect(await verify(BODY, headers)).toBe(NO)
  })

  it.each([
    [-301, NO],
    [-300, OK],
    [-1, OK],
    [0, OK],
    [300, OK],
    [301, NO],
  ])("V8 %i s away from the clock", async (offset, expected) => {
    const { verify } = await at(SECRET, STAMP - offset)
    expect(await verify(BODY, published())).toBe(expected)
  })

  it.each([
    ["V9 with its prefix", SECRET],
    ["V9 without its prefix", SECRET.slice("whsec_".length)],
    ["V9 padded", `whsec_${Buffer.concat([KEY, Buffer.from("1")]).toString("base64")}`],
    [
      "V9 without its padding",
      `whsec_${Buffer.concat([KEY, Buffer.from("1")])
        .toString("base64")
        .replace(/=+$/, "")}`,
    ],
  ])("%s a secret is right", async (_, secret) => {
    const { verify } = await at(secret)
    const key = Buffer.from(secret.replace("whsec_", ""), "base64")
    expect(await verify(BODY, standardHeaders(key, ID, STAMP, BODY))).toBe(OK)
  })

  it("V11 names of headers count in any case", async () => {
    const { verify } = await at()
    expect(
      await verify(
        BODY,
        published().map(([name, value]) => [name.toUpperCase(), value]),
      ),
    ).toBe(OK)
  })

  it("V13 an empty body can be signed", async () => {
    const { verify } = await at()
    expect(await verify("", standardHeaders(KEY, ID, STAMP, ""))).toBe(OK)
    expect(await verify("", published())).toBe(NO)
  })

  it("V14 GitHub's own example of X-Hub-Signature-256", async () => {
    const { verify } = await at(HUB_SECRET)
    expect(await verify(HUB_BODY, [["x-hub-signature-256", HUB_GOOD]])).toBe("x-hub-signature-256")
    expect(await verify(`${HUB_BODY} `, [["x-hub-signature-256", HUB_GOOD]])).toBe(NO)
  })
})

describe("what is signed", () => {
  const body = '{"type":"message.send","data":{"message":"äöå"}}'
  const headers = standardHeaders(KEY, ID, STAMP, body)

  it.each([
    ["another letter", body.replace("send", "Send")],
    ["a space more", `${body} `],
    ["the same value written another way", JSON.stringify(JSON.parse(body), null, 1)],
    ["the same text escaped", '{"type":"message.send","data":{"message":"\\u00e4\\u00f6\\u00e5"}}'],
    ["a byte order mark in front", `\uFEFF${body}`],
    ["a NUL behind", `${body}\0`],
    ["nothing", ""],
  ])("is the bytes as they come: %s has another signature", async (_, altered) => {
    const { verify } = await at()
    expect(await verify(body, headers)).toBe(OK)
    expect(await verify(altered, headers)).toBe(NO)
    expect(await verify(altered, [["x-hub-signature-256", hubSignature(SECRET, body)]])).toBe(NO)
  })

  it("is the id and the time stamp as well", async () => {
    const { verify } = await at()
    const change = (name: string, value: string): [string, string][] =>
      headers.map((header) => (header[0] === name ? [name, value] : header))
    expect(await verify(body, change("webhook-id", `${ID}x`))).toBe(NO)
    expect(await verify(body, change("webhook-timestamp", String(STAMP + 1)))).toBe(NO)
    expect(await verify(body, change("webhook-timestamp", `0${STAMP}`))).toBe(NO)
  })

  it("may be bytes that are no text at all", async () => {
    const { verify } = await at()
    for (const bytes of [
      Uint8Array.of(0xff, 0xfe, 0),
      Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d),
      randomBytes(5_000),
    ]) {
      expect(await verify(bytes, standardHeaders(KEY, ID, STAMP, bytes))).toBe(OK)
      expect(await verify(bytes, [["x-hub-signature-256", hubSignature(SECRET, bytes)]])).toBe("x-hub-signature-256")
      const other = Uint8Array.from(bytes, (byte, index) => (index === 0 ? byte ^ 1 : byte))
      expect(await verify(other, standardHeaders(KEY, ID, STAMP, bytes))).toBe(NO)
    }
  })
})

describe("the shape of the headers", () => {
  const signed = (id: string) => standardHeaders(KEY, id, STAMP, BODY)

  it.each([
    ["with a full stop", "msg.1"],
    ["with a space", "msg 1"],
    ["with a comma and a space", "a, a"],
    ["longer than 255 characters", "x".repeat(256)],
    ["beyond ASCII", "ü"],
  ])("an id %s is none, though it is signed", async (_, id) => {
    const { verify } = await at()
    expect(await verify(BODY, signed(id))).toBe(NO)
  })

  it("an id of 255 characters is one", async () => {
    const { verify } = await at()
    expect(await verify(BODY, signed("x".repeat(255)))).toBe(OK)
  })

  it("each header stands there once: a second one of any name refuses the call", async () => {
    const { verify } = await at()
    for (const [name, value] of published()) {
      expect(await verify(BODY, [...published(), [name, value]])).toBe(NO)
    }
    const hub = ["x-hub-signature-256", hubSignature(SECRET, BODY)] as const
    expect(await verify(BODY, [hub, hub])).toBe(NO)
  })

  it("ten signatures are looked at, and eleven are too many", async () => {
    const { verify } = await at()
    const list = (count: number): string => [...Array.from({ length: count - 1 }, () => BAD), GOOD].join(" ")
    expect(await verify(BODY, published({ "webhook-signature": list(10) }))).toBe(OK)
    expect(await verify(BODY, published({ "webhook-signature": list(11) }))).toBe(NO)
    expect(await verify(BODY, published({ "webhook-signature": `v2,${"x".repeat(1_100)} ${GOOD}` }))).toBe(NO)
  })

  it.each([
    ["other base64 of the same bytes", GOOD.replace("OE=", "OF=")],
    ["without its padding", GOOD.replace("=", "")],
    ["with more behind", `${GOOD}=`],
    ["in hex", `v1,${Buffer.from(GOOD.slice(3), "base64").toString("hex")}`],
    ["with a comma behind", `${GOOD},`],
    ["under V1", GOOD.replace("v1", "V1")],
  ])("a signature %s is none", async (_, signature) => {
    const { verify } = await at()
    expect(await verify(BODY, published({ "webhook-signature": signature }))).toBe(NO)
  })

  it.each([
    ["upper case", HUB_GOOD.toUpperCase().replace("SHA", "sha"), "x-hub-signature-256"],
    ["no prefix", HUB_GOOD.slice("sha256=".length), NO],
    ["sha1", HUB_GOOD.replace("256", "1"), NO],
    ["too short", HUB_GOOD.slice(0, -2), NO],
    ["too long", `${HUB_GOOD}00`, NO],
    ["nothing", "sha256=", NO],
    ["another digest", HUB_GOOD.replace("75", "76"), NO],
  ])("a digest of %s", async (_, digest, expected) => {
    const { verify } = await at(HUB_SECRET)
    expect(await verify(HUB_BODY, [["x-hub-signature-256", digest]])).toBe(expected)
  })

  it("says what is wrong with them, and nothing of a signature that does not fit", async () => {
    const { answer } = await at()
    expect(await answer(BODY, [])).toMatchObject({ message: expect.stringContaining("not signed") })
    expect(await answer(BODY, published({ "webhook-id": undefined }))).toMatchObject({
      message: expect.stringContaining("webhook-id"),
    })
    expect(await answer(BODY, published({ "webhook-timestamp": "1" }))).toMatchObject({
      message: expect.stringContaining("300 seconds"),
    })
    expect(await answer(BODY, [["x-hub-signature-256", "x"]])).toMatchObject({
      message: expect.stringContaining("64 hex digits"),
    })
    expect(await answer(BODY, published({ "webhook-signature": BAD }))).toEqual({
      code: NO,
      message: "Invalid signature",
    })
  })
})

describe("both schemes in one call", () => {
  const hub = (body: string): [string, string] => ["x-hub-signature-256", hubSignature(SECRET, body)]

  it("Standard Webhooks counts, and the other is not looked at", async () => {
    const { verify } = await at()
    expect(await verify(BODY, [...published(), hub("another body")])).toBe(OK)
    expect(await verify(BODY, [...published({ "webhook-signature": BAD }), hub(BODY)])).toBe(NO)
    expect(await verify(BODY, [...published({ "webhook-id": undefined }), hub(BODY)])).toBe(NO)
  })

  it("the call is known by its body as well, so that it is no other call without the headers of one scheme", async () => {
    const { answer } = await at()
    const both = await answer(BODY, [...published(), hub(BODY)])
    const stripped = await answer(BODY, [hub(BODY)])
    expect(both).toMatchObject({ id: `id:${ID}`, also: ["id" in stripped ? stripped.id : ""] })
    expect(await answer(BODY, published())).not.toHaveProperty("also")
  })

  it("id or time stamp without a signature do not make a call of Standard Webhooks", async () => {
    const { verify } = await at()
    expect(await verify(BODY, [...published({ "webhook-signature": undefined }), hub(BODY)])).toBe(
      "x-hub-signature-256",
    )
  })
})

describe("what a repeat is known by", () => {
  it("the id, or the digest of the body, for a day", async () => {
    const { answer } = await at()
    const DAY = 86_400_000
    expect(await answer(BODY, published())).toEqual({ scheme: OK, id: `id:${ID}`, rememberMs: DAY })
    expect(await answer(BODY, [["x-hub-signature-256", hubSignature(SECRET, BODY)]])).toEqual({
      scheme: "x-hub-signature-256",
      id: `hub:${createHash("sha256").update(BODY).digest("hex")}`,
      rememberMs: DAY,
    })
  })
})

describe("how a secret is read", () => {
  const standard = (key: Uint8Array | string) => standardHeaders(key, ID, STAMP, BODY)
  const hub = (secret: string): [string, string][] => [["x-hub-signature-256", hubSignature(secret, BODY)]]

  it("with whsec_ as base64 alone for Standard Webhooks, and as it is written for the other", async () => {
    const { verify } = await at()
    expect(await verify(BODY, standard(KEY))).toBe(OK)
    expect(await verify(BODY, standard(SECRET))).toBe(NO)
    expect(await verify(BODY, standard(SECRET.slice("whsec_".length)))).toBe(NO)
    expect(await verify(BODY, hub(SECRET))).toBe("x-hub-signature-256")
    expect(await verify(BODY, [["x-hub-signature-256", hubSignature(KEY.toString("latin1"), BODY)]])).toBe(NO)
  })

  it("without it as its bytes, and as base64 as well where that gives 24 to 64 of them", async () => {
    for (const [length, both] of [
      [23, false],
      [24, true],
      [48, true],
      [64, true],
      [65, false],
    ] as const) {
      const key = randomBytes(length)
      const secret = key.toString("base64")
      const { verify } = await at(secret)
      expect([length, await verify(BODY, standard(secret))]).toEqual([length, OK])
      expect([length, await verify(BODY, standard(key))]).toEqual([length, both ? OK : NO])
      expect(await verify(BODY, hub(secret))).toBe("x-hub-signature-256")
    }
  })

  it("as the guide writes it: openssl rand -hex 32, or a phrase with dashes", async () => {
    const hex = randomBytes(32).toString("hex")
    const { verify } = await at(hex)
    expect(await verify(BODY, standard(hex))).toBe(OK)
    expect(await verify(BODY, standard(Buffer.from(hex, "base64")))).toBe(OK)
    const phrase = await at("your-secret-key-here")
    expect(await phrase.verify(BODY, standard("your-secret-key-here"))).toBe(OK)
  })

  it("beyond ASCII as UTF-8", async () => {
    const { verify } = await at("Schlüssel für die Außentür")
    expect(await verify(BODY, standard("Schlüssel für die Außentür"))).toBe(OK)
  })
})

describe("whose secret counts", () => {
  const by = (secret: string): [string, string][] => [["x-hub-signature-256", hubSignature(secret, BODY)]]
  const known = async ({ verify }: Signing, secrets: readonly string[], company = "acme"): Promise<string[]> => {
    const right: string[] = []
    for (const secret of secrets) if ((await verify(BODY, by(secret), company)) !== NO) right.push(secret)
    return right
  }
  const ALL = ["server", "server-old", "own", "own-old", "none"]

  it("the server's for a company without one, the older one too as long as it is given", async () => {
    const signing = await openSigning({ secret: "server", secretOld: "server-old" })
    expect(await known(signing, ALL)).toEqual(["server", "server-old"])
    expect(await known(signing, ALL, "nobody")).toEqual(["server", "server-old"])
  })

  it("a company's own instead of it, one or two, from one call to the next", async () => {
    const signing = await openSigning({ secret: "server", secretOld: "server-old" })
    const { companies } = signing.house
    companies.acme = { webhookSecret: "own" }
    expect(await known(signing, ALL)).toEqual(["own"])
    companies.acme = { webhookSecret: ["own", "own-old"] }
    expect(await known(signing, ALL)).toEqual(["own", "own-old"])
    companies.acme = {}
    expect(await known(signing, ALL)).toEqual(["server", "server-old"])
  })

  it("nobody's when none is known: such a company's calls are refused", async () => {
    const signing = await openSigning({})
    expect(await known(signing, [...ALL, ""])).toEqual([])
    const { house, verify } = signing
    expect(house.log.text()).toContain("WHATSAPP_WEBHOOK_SECRET")
    expect(await verify(BODY, standardHeaders("", ID, Math.floor(house.clock.now() / 1_000), BODY))).toBe(NO)
  })

  it("each company's for that company alone", async () => {
    const signing = await openSigning({})
    signing.house.companies.acme = { webhookSecret: "own" }
    signing.house.companies.other = { webhookSecret: "none" }
    expect(await known(signing, ALL, "other")).toEqual(["none"])
  })

  it("a company's that is easily guessed is said once", async () => {
    const signing = await openSigning({})
    signing.house.companies.acme = { webhookSecret: "own" }
    for (let i = 0; i < 3; i++) await known(signing, ["own"])
    expect(signing.house.log.text().split("may be guessed")).toHaveLength(2)
    expect(signing.house.log.text()).not.toContain('"own"')
  })
})

describe("without validation", () => {
  it("an unsigned call is let pass as such, and a signed one has to be right all the same", async () => {
    const { verify, house, answer } = await at(SECRET, STAMP, { validate: false })
    expect(await answer(BODY, [])).toEqual({ scheme: "unsigned", id: null, rememberMs: 0 })
    expect(await verify(BODY, published())).toBe(OK)
    expect(await verify(BODY, published({ "webhook-signature": BAD }))).toBe(NO)
    expect(await verify(BODY, published({ "webhook-signature": "" }))).toBe(NO)
    expect(await verify(BODY, [["x-hub-signature-256", ""]])).toBe(NO)
    expect(house.log.text()).toContain("WHATSAPP_VALIDATE_WEBHOOKS is off")
    const without = await openSigning({ validate: false })
    expect(await without.verify(BODY, [["x-hub-signature-256", hubSignature("any", BODY)]])).toBe(NO)
  })
})

describe("the work", () => {
  it("is the same for each company and each secret, right or wrong", async () => {
    const node = createNodeSystem()
    let work = { hmac: 0, equal: 0 }
    const system: System = {
      ...node,
      hmac: (key, data) => (work.hmac++, node.hmac(key, data)),
      equal: (a, b) => (work.equal++, node.equal(a, b)),
    }
    const { house, verify } = await openSigning({ secret: SECRET }, { system, start: STAMP * 1_000 })
    Object.assign(house.companies, {
      one: { webhookSecret: "own" },
      two: { webhookSecret: ["x".repeat(48), "y".repeat(48)] },
    })
    const counts = async (headers: [string, string][]): Promise<string[]> => {
      const found: string[] = []
      for (const company of ["acme", "one", "two", "nobody"]) {
        work = { hmac: 0, equal: 0 }
        await verify(BODY, headers, company)
        found.push(JSON.stringify(work))
      }
      return found
    }
    const same = (work: object): string[] => Array.from({ length: 4 }, () => JSON.stringify(work))
    expect(await counts(published())).toEqual(same({ hmac: 4, equal: 4 }))
    expect(await counts(published({ "webhook-signature": BAD }))).toEqual(same({ hmac: 4, equal: 4 }))
    const three = [GOOD, BAD, "v1,short"].join(" ")
    expect(await counts(published({ "webhook-signature": three }))).toEqual(same({ hmac: 4, equal: 12 }))
    for (const secret of [SECRET, "own", "wrong"]) {
      expect(await counts([["x-hub-signature-256", hubSignature(secret, BODY)]])).toEqual(same({ hmac: 2, equal: 2 }))
    }
  })
})

describe("the settings", () => {
  const check = (given: Readonly<Record<string, unknown>>) => {
    const parsed = plugin.config?.safeParse(given)
    if (parsed?.success !== true)
      return parsed?.error?.issues.map(({ path, message }) => `${path.join(".")} ${message}`)
    const around = { host: "127.0.0.1", loopback: true, multiTenant: true }
    return plugin.check?.(parsed.data, around).map(({ variable, severity }) => `${variable} ${severity ?? "error"}`)
  }

  it("take a strong secret without a word, and a weak one with a warning", () => {
    expect(check({ secret: SECRET })).toEqual([])
    expect(check({ secret: "x".repeat(24), secretOld: SECRET })).toEqual([])
    expect(check({ secret: "your-secret-key-here" })).toEqual(["WHATSAPP_WEBHOOK_SECRET warning"])
    // 24 characters, which stand for 18 bytes.
    expect(check({ secret: `whsec_${"A".repeat(24)}` })).toEqual(["WHATSAPP_WEBHOOK_SECRET warning"])
  })

  it("refuse what can be no secret, and never echo it", () => {
    for (const secret of ["", "whsec_", "whsec_not base64!", "whsec_A", "whsec_AA=", "x".repeat(501)]) {
      const said = check({ secret })
      expect(said).toEqual([expect.stringMatching(/^secret expected/)])
      if (secret.length > 10) expect(JSON.stringify(said)).not.toContain(secret)
    }
  })

  it("want a newest secret beside the older one", () => {
    expect(check({ secretOld: SECRET })).toEqual(["WHATSAPP_WEBHOOK_SECRET_OLD error"])
  })

  it("of a company are one text or two, and each is checked", () => {
    const { schema } = plugin.companySettings?.webhookSecret ?? {}
    const takes = (value: unknown): boolean => schema?.safeParse(value).success === true
    for (const good of ["own", SECRET, [SECRET], [SECRET, "own"]]) expect([good, takes(good)]).toEqual([good, true])
    for (const bad of [
      "",
      "***",
      7,
      [],
      ["a", "b", "c"],
      ["own", "***"],
      ["own", ""],
      "whsec_!",
      {},
      { newest: "a" },
    ]) {
      expect([bad, takes(bad)]).toEqual([bad, false])
    }
  })
})
