import { randomBytes } from "node:crypto"
import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { KEY_ID_BYTES, type RecordsOf, SEALED_ROOM } from "../../core/plugin.ts"
import { type Cipher, createCipher } from "../../plugins/encryption/cipher.ts"
import { type GivenKey, masterKey, readKey } from "../../plugins/encryption/keys.ts"
import { KEY, OTHER_KEY } from "../support/sealing.ts"

const system = createNodeSystem()
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex")

async function cipherOf(...keys: readonly string[]): Promise<Cipher> {
  const masters = await Promise.all(keys.map((text) => masterKey(readKey(text) as GivenKey, system)))
  const [newest, ...older] = masters
  if (newest === undefined) throw new Error("No key")
  const cipher = createCipher(newest, older, system, (kind, name) => new Error(`${kind}: ${name}`))
  // As core stores it: without the bytes that are left free in front.
  return { ...cipher, seal: (records, of) => cipher.seal(records, of).map((sealed) => sealed.subarray(SEALED_ROOM)) }
}

const salt = randomBytes(32)
const of = (change: Partial<RecordsOf> = {}): RecordsOf => ({
  company: "acme",
  purpose: "credentials",
  salt,
  names: ["session/a"],
  ...change,
})
const plain = new TextEncoder().encode("a ratchet of four hundred bytes ".repeat(4))

describe("a sealed record", () => {
  it("opens as what it was, and says nothing of it", async () => {
    const cipher = await cipherOf(KEY)
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 }), (records) => {
        const names = records.map((_, at) => `session/${at}`)
        const sealed = cipher.seal(records, of({ names }))
        expect(cipher.open(sealed, of({ names })).map(hex)).toEqual(records.map(hex))
      }),
    )
    const [sealed] = cipher.seal([plain], of())
    expect(Buffer.from(sealed as Uint8Array).includes("ratchet")).toBe(false)
    expect(sealed?.length).toBe(KEY_ID_BYTES + 12 + plain.length + 16)
  })

  it("never has the nonce of another one", async () => {
    const cipher = await cipherOf(KEY)
    const names = Array.from({ length: 2_000 }, (_, at) => String(at))
    const sealed = cipher.seal(
      names.map(() => plain),
      of({ names }),
    )
    const nonces = sealed.map((record) => hex(record.subarray(KEY_ID_BYTES, KEY_ID_BYTES + 12)))
    expect(new Set(nonces).size).toBe(names.length)
    // A reused nonce would show: the same text under the same key gives the same ciphertext.
    expect(new Set(sealed.map((record) => hex(record.subarray(KEY_ID_BYTES + 12)))).size).toBe(names.length)
  })

  it("is refused with its name when any byte of it is another, or missing, or one is added", async () => {
    const cipher = await cipherOf(KEY)
    const [sealed] = cipher.seal([plain], of())
    const whole = sealed as Uint8Array
    for (let at = 0; at < whole.length; at++) {
      for (const bit of [1, 0x80]) {
        const flipped = Uint8Array.from(whole)
        flipped[at] = (flipped[at] ?? 0) ^ bit
        expect(() => cipher.open([flipped], of()), `byte ${at}`).toThrow(/^(damaged|unknown): session\/a$/)
      }
      expect(() => cipher.open([whole.subarray(0, at)], of()), `cut at ${at}`).toThrow(
        /^(damaged|unknown): session\/a$/,
      )
    }
    expect(() => cipher.open([Uint8Array.of(...whole, 0)], of())).toThrow("damaged: session/a")
    expect(cipher.open([whole], of()).map(hex)).toEqual([hex(plain)])
  })

  it.each([4, 8, 12, 13, 14, 15])("with a tag of %i bytes is refused", async (length) => {
    const cipher = await cipherOf(KEY)
    const [sealed] = cipher.seal([plain], of())
    // What the machine would take for a tag of that length without being told which one to expect.
    const short = (sealed as Uint8Array).subarray(0, -(16 - length))
    expect(() => cipher.open([short], of())).toThrow("damaged: session/a")
    const [empty] = cipher.seal([new Uint8Array()], of())
    expect(() => cipher.open([(empty as Uint8Array).subarray(0, -(16 - length))], of())).toThrow("damaged: session/a")
  })

  it.each<[string, Partial<RecordsOf>]>([
    ["another record", { names: ["session/b"] }],
    ["a record whose name begins the same", { names: ["session/aa"] }],
    ["another company", { company: "other" }],
    ["a company whose id takes over a part of the name", { company: "acmesession", names: ["/a"] }],
    ["another purpose", { purpose: "messages" }],
    ["another store, with a salt of its own", { salt: randomBytes(32) }],
  ])("does not open in the place of %s", async (_what, place) => {
    const cipher = await cipherOf(KEY)
    const sealed = cipher.seal([plain], of())
    const { names } = of(place)
    expect(() => cipher.open(sealed, of(place))).toThrow(`damaged: ${names[0]}`)
  })

  it("opens under a former key as well, and under no key that is not given", async () => {
    const before = (await cipherOf(KEY)).seal([plain], of())
    const rotated = await cipherOf(OTHER_KEY, KEY)
    expect(rotated.open(before, of()).map(hex)).toEqual([hex(plain)])
    const after = rotated.seal([plain], of())
    expect(hex((after[0] as Uint8Array).subarray(0, KEY_ID_BYTES))).not.toBe(
      hex((before[0] as Uint8Array).subarray(0, KEY_ID_BYTES)),
    )
    const alone = await cipherOf(OTHER_KEY)
    expect(alone.open(after, of()).map(hex)).toEqual([hex(plain)])
    expect(() => alone.open(before, of())).toThrow("unknown: session/a")
    // An id that is known on a record of another key does not help it.
    const forged = Uint8Array.of(
      ...(after[0] as Uint8Array).subarray(0, KEY_ID_BYTES),
      ...(before[0] as Uint8Array).subarray(KEY_ID_BYTES),
    )
    expect(() => alone.open([forged], of())).toThrow("damaged: session/a")
  })

  it("keeps companies with lone surrogates in their ids apart", async () => {
    const cipher = await cipherOf(KEY)
    const sealed = cipher.seal([plain], of({ company: "\ud800" }))
    expect(() => cipher.open(sealed, of({ company: "\ud801" }))).toThrow("damaged")
    expect(cipher.open(sealed, of({ company: "\ud800" })).map(hex)).toEqual([hex(plain)])
  })
})

describe("a name", () => {
  it("stays the same for the same text and company, whatever key is the newest, and shows nothing of it", async () => {
    const naming = { company: "acme", purpose: "messages", salt, key: randomBytes(32) } as const
    const [one, other] = [await cipherOf(KEY), await cipherOf(OTHER_KEY, KEY)]
    const names = one.name(["person/p:79001234567", "person/p:79001234568"], naming)
    expect(other.name(["person/p:79001234567", "person/p:79001234568"], naming)).toEqual(names)
    expect(new Set(names).size).toBe(2)
    for (const name of names) expect(name).toMatch(/^[0-9a-f]{32}$/)
    expect(one.name(["person/p:79001234567"], { ...naming, key: randomBytes(32) })).not.toEqual([names[0]])
  })
})

describe("the master key", () => {
  const key = randomBytes(32)

  it.each([
    ["64 hex digits", key.toString("hex")],
    ["64 hex digits in upper case", key.toString("hex").toUpperCase()],
    ["base64", key.toString("base64")],
    ["base64 without its end", key.toString("base64").replace("=", "")],
    ["base64 for URLs", key.toString("base64url")],
  ])("is given as %s", async (_form, text) => {
    expect(hex((await masterKey(readKey(text) as GivenKey, system)).key)).toBe(key.toString("hex"))
  })

  it("is derived from any other text of at least 20 characters", async () => {
    const { key: derived } = await masterKey(readKey("correct horse battery staple") as GivenKey, system)
    // Python: hashlib.pbkdf2_hmac("sha256", b"correct horse battery staple", b"switchboard/encryption/v1", 600000, 32)
    expect(hex(derived)).toBe("a7c7927310bc60d65058ffaed7b6e37efd61175d50a8161cdfcddb8c8be19f40")
  })

  it.each([
    ["63 hex digits", "a".repeat(63), "passphrase"],
    ["65 hex digits", "a".repeat(65), "passphrase"],
    ["64 characters that are no hex", "g".repeat(64), "passphrase"],
    ["base64 of 31 bytes", randomBytes(31).toString("base64"), "passphrase"],
    ["base64 of 33 bytes", randomBytes(33).toString("base64"), "passphrase"],
    ["43 characters whose last has bits too many", `${"A".repeat(42)}B`, "passphrase"],
    ["20 characters outside ASCII", "пароль из двадцати з", "passphrase"],
    ["20 characters of four bytes each", "🔑".repeat(20), "passphrase"],
    ["19 characters", "a".repeat(19), undefined],
    ["19 characters of four bytes each", "🔑".repeat(19), undefined],
    ["nothing", "", undefined],
  ])("reads %s as what it is", (_what, text, kind) => {
    const given = readKey(text)
    expect(given === undefined ? undefined : "key" in given ? "key" : "passphrase").toBe(kind)
  })

  it("has an id that is the same for the same key alone, and no part of it", async () => {
    const one = await masterKey({ key }, system)
    const same = await masterKey(readKey(key.toString("base64")) as GivenKey, system)
    const other = await masterKey({ key: randomBytes(32) }, system)
    expect(one.id).toHaveLength(KEY_ID_BYTES)
    expect(hex(one.id)).toBe(hex(same.id))
    expect(hex(one.id)).not.toBe(hex(other.id))
    expect(hex(one.key)).not.toContain(hex(one.id))
  })
})
