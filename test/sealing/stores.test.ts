import { readdir, readFile, rename } from "node:fs/promises"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import type { AuthRecord, CompanyStore } from "../../core/records/auth-records.ts"
import { countRecords, eraseCompany, openCompanyStore } from "../../core/storage.ts"
import { type AuthStore, type OpenStore, UNFENCED } from "../../core/store.ts"
import { lifetime } from "../suites/auth-store/lifetime.ts"
import { model } from "../suites/auth-store/model.ts"
import { leaseOf, type StoreSubject, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { temporaryFolder } from "../support/folder.ts"
import { createTestSealing, KEY, OTHER_KEY, type TestSealing } from "../support/sealing.ts"
import { storeOptions } from "../support/store-options.ts"

const VAULT = "creds/==vault"
const never = new AbortController().signal

let store: OpenStore
let sealing: TestSealing
beforeEach(async () => {
  store = await memoryStorage.open(storeOptions())
  sealing = await createTestSealing()
})

const plain = (id = "acme"): CompanyStore => openCompanyStore(store, leaseOf(id), tools)
const sealed = (id = "acme", by = sealing): CompanyStore =>
  openCompanyStore(store, leaseOf(id), { ...tools, sealer: by.sealer })

const raw = async (company = "acme"): Promise<Map<string, Uint8Array>> => {
  const keys = await store.driver.keys(company)
  const values = await store.driver.load(company, keys)
  return new Map(keys.map((key, at) => [key, values[at] as Uint8Array]))
}
const put = (company: string, key: string, value: Uint8Array | null): Promise<void> =>
  store.driver.commit(company, [{ key, value }], UNFENCED)
const keyOf = async (type: string, company = "acme"): Promise<string> => {
  const found = [...(await raw(company)).keys()].filter((key) => key.startsWith(`${type}/===`))
  if (found.length !== 1) throw new Error(`${found.length} records of ${type}`)
  return found[0] as string
}
const everything = async (from: CompanyStore): Promise<AuthRecord[]> => {
  const found: AuthRecord[] = []
  for await (const some of from.all()) found.push(...some)
  return found.sort((a, b) => (`${a.type}/${a.id}` < `${b.type}/${b.id}` ? -1 : 1))
}
const faultOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (thrown) {
    const said: string[] = []
    for (let at: unknown = thrown; at instanceof Error; at = at.cause) {
      said.push(`${"code" in at ? `${String(at.code)}: ` : ""}${at.message}`)
    }
    return said.join(" | ")
  }
  return "nothing"
}

const batch = { creds: { main: bytes("a private key") }, session: { "79001234567.0": bytes("a ratchet") } }

describe("a company's auth state, sealed", () => {
  it("lies in the store under names that say nothing, with the salt beside it", async () => {
    await sealed().save(batch)
    const stored = await raw()
    expect([...stored.keys()].sort()).toEqual([
      expect.stringMatching(/^creds\/===[0-9a-f]{32}$/),
      VAULT,
      expect.stringMatching(/^session\/===[0-9a-f]{32}$/),
    ])
    const all = [...stored].map(([key, value]) => key + Buffer.from(value).toString("latin1")).join()
    for (const secret of ["private", "ratchet", "79001234567", "main"]) expect(all).not.toContain(secret)
    expect(await sealed().load("session", ["79001234567.0", "nobody"])).toEqual(batch.session)
    expect(await countRecords(store, "acme", tools)).toEqual({ creds: 1, session: 1 })
  })

  it("costs one round trip at each load, but for the first", async () => {
    await sealed().save(batch)
    let loads = 0
    const counted: OpenStore = {
      ...store,
      driver: { ...store.driver, load: (company, keys) => (loads++, store.driver.load(company, keys)) },
    }
    const acme = openCompanyStore(counted, leaseOf("acme"), { ...tools, sealer: sealing.sealer })
    await Promise.all([acme.load("creds", ["main"]), acme.load("session", ["79001234567.0"])])
    expect(loads).toBe(3)
    await acme.load("creds", ["main"])
    await acme.save({ session: { b: bytes("2") } })
    expect(loads).toBe(4)
  })

  it("is sealed in one call for each commit", async () => {
    const acme = sealed()
    await acme.save(batch)
    sealing.calls.length = 0
    await acme.save({ session: { a: bytes("1"), b: bytes("2"), gone: null }, "pre-key": { 1: bytes("3") } })
    expect(sealing.calls).toHaveLength(1)
  })

  it("takes the salt along with the first records, and again while these have not arrived", async () => {
    let failing = true
    const broken: OpenStore = {
      ...store,
      driver: {
        ...store.driver,
        commit: (...given) => (failing ? Promise.reject(new Error("away")) : store.driver.commit(...given)),
      },
    }
    const acme = openCompanyStore(broken, leaseOf("acme"), { ...tools, sealer: sealing.sealer })
    await expect(acme.save(batch)).rejects.toThrow("away")
    failing = false
    await acme.save({ session: { a: bytes("1") } })
    expect(await sealed().load("session", ["a"])).toEqual({ a: bytes("1") })
  })

  it("has its salt before its records on a store that may keep half of a commit", async () => {
    const kept: string[][] = []
    const halves: OpenStore = {
      ...store,
      capabilities: { durable: true, atomic: false },
      driver: {
        ...store.driver,
        commit: (company, writes, fence) => {
          kept.push(writes.map(({ key }) => key))
          return store.driver.commit(company, writes, fence)
        },
      },
    }
    await openCompanyStore(halves, leaseOf("acme"), { ...tools, sealer: sealing.sealer }).save(batch)
    expect(kept.map((keys) => keys.includes(VAULT))).toEqual([true, false])
    expect(await sealed().load("creds", ["main"])).toEqual(batch.creds)
  })

  it("keeps the order of saves, however long each takes to be sealed", async () => {
    const acme = sealed("acme", await createTestSealing(KEY, [], true))
    await Promise.all(Array.from({ length: 40 }, (_, turn) => acme.save({ session: { a: bytes(`${turn}`) } })))
    expect(await sealed().load("session", ["a"])).toEqual({ a: bytes("39") })
  })

  it("is RECORD_SEALED, and never absent, where nobody opens it", async () => {
    await sealed().save(batch)
    for (const work of [
      () => plain().load("creds", ["main"]),
      () => plain().load("creds", ["other"]),
      () => plain().save(batch),
      () => everything(plain()),
    ])
      expect(await codeOf(work())).toBe("RECORD_SEALED")
  })
})

describe("a record that is not what was sealed there", () => {
  beforeEach(() => sealed().save({ ...batch, "pre-key": { 7: bytes("one"), 8: bytes("two") } }))
  const load = (type = "creds", id = "main"): Promise<unknown> => sealed().load(type, [id])

  it.each<[string, (value: Uint8Array) => Uint8Array]>([
    ["flipped", (value) => value.map((byte, at) => (at === value.length - 20 ? byte ^ 1 : byte))],
    ["cut off", (value) => value.subarray(0, -1)],
    ["with a tag of 12 bytes", (value) => value.subarray(0, -4)],
    ["of a version that is not known", (value) => value.with(0, 9)],
    ["empty", () => new Uint8Array()],
    ["its head alone", (value) => value.subarray(0, 2)],
    ["plain", () => Uint8Array.of(1, 2, ...bytes("a key of mine"))],
  ])("is refused by its name: %s", async (_what, change) => {
    const key = await keyOf("creds")
    await put("acme", key, change((await raw()).get(key) as Uint8Array))
    expect(await faultOf(load())).toMatch(new RegExp(`^CREDENTIALS_DAMAGED: .*creds/main \\(${key}\\)`))
    expect(await codeOf(everything(sealed()))).toBe("CREDENTIALS_DAMAGED")
  })

  it("is refused with every byte of it flipped in turn", async () => {
    const key = await keyOf("session")
    const value = (await raw()).get(key) as Uint8Array
    const acme = sealed()
    for (let at = 0; at < value.length; at++) {
      await put("acme", key, value.with(at, (value[at] ?? 0) ^ 0x10))
      const fault = await faultOf(acme.load("session", ["79001234567.0"]))
      expect(fault, `byte ${at}`).toMatch(/^(CREDENTIALS_DAMAGED|RECORD_SEALED): .*session\/79001234567\.0/)
    }
  })

  it("is refused in the place of another of the same company, kind or not", async () => {
    const stored = await raw()
    const [one, two] = [...stored.keys()].filter((key) => key.startsWith("pre-key/")) as [string, string]
    await put("acme", one, stored.get(two) as Uint8Array)
    await put("acme", two, stored.get(one) as Uint8Array)
    expect(await codeOf(load("pre-key", "7"))).toBe("CREDENTIALS_DAMAGED")
    expect(await codeOf(load("pre-key", "8"))).toBe("CREDENTIALS_DAMAGED")
    await put("acme", await keyOf("creds"), stored.get(one) as Uint8Array)
    expect(await codeOf(load())).toBe("CREDENTIALS_DAMAGED")
  })

  it("is refused in another company, in another store, and with another's salt", async () => {
    await sealed("other").save(batch)
    const [mine, theirs] = [await keyOf("creds"), await keyOf("creds", "other")]
    const stolen = (await raw()).get(mine) as Uint8Array
    await put("other", theirs, stolen)
    expect(await codeOf(sealed("other").load("creds", ["main"]))).toBe("CREDENTIALS_DAMAGED")
    const vault = (await raw()).get(VAULT) as Uint8Array
    await put("other", VAULT, vault)
    expect(await codeOf(sealed("other").load("creds", ["main"]))).toBe("CREDENTIALS_DAMAGED")

    const here = store
    store = await memoryStorage.open(storeOptions())
    await sealed().save(batch)
    await put("acme", await keyOf("creds"), stolen)
    expect(await codeOf(load())).toBe("CREDENTIALS_DAMAGED")
    store = here
  })

  it("is damaged, and never absent, when the salt is gone or another", async () => {
    const vault = (await raw()).get(VAULT) as Uint8Array
    await put("acme", VAULT, null)
    expect(await faultOf(load())).toMatch(/CREDENTIALS_DAMAGED.*==vault.*salt/)
    expect(await codeOf(sealed().save(batch))).toBe("CREDENTIALS_DAMAGED")
    for (const at of [8, 20, vault.length - 3]) {
      await put("acme", VAULT, vault.with(at, (vault[at] ?? 0) ^ 1))
      expect(await codeOf(load()), `byte ${at}`).toMatch(/CREDENTIALS_DAMAGED|RECORD_SEALED/)
    }
    await put("acme", VAULT, vault)
    expect(await load()).toEqual(batch.creds)
  })

  it("is refused by its name, saying which setting opens it, when its key is not known", async () => {
    const stranger = await createTestSealing(OTHER_KEY)
    expect(await codeOf(sealed("acme", stranger).load("creds", ["main"]))).toBe("RECORD_SEALED")
    expect(await codeOf(sealed("acme", stranger).save(batch))).toBe("RECORD_SEALED")
    expect(await load()).toEqual(batch.creds)
  })
})

describe("plain records from before", () => {
  const before = {
    creds: { main: bytes("1"), ["x".repeat(300)]: bytes("2") },
    session: { a: bytes("3"), "B:c": bytes("4"), old: bytes("5") },
  }
  beforeEach(() => plain().save(before))

  it("are read, and replaced by sealed ones in the commit that writes them anew", async () => {
    const acme = sealed()
    expect(await acme.load("session", ["a", "B:c", "nobody"])).toEqual({ a: bytes("3"), "B:c": bytes("4") })
    expect([...(await raw()).keys()].filter((key) => key.includes("/==="))).toEqual([])
    await acme.save({ session: { a: bytes("new"), old: null } })
    const keys = [...(await raw()).keys()]
    expect(keys).not.toContain("session/a")
    expect(keys).not.toContain("session/old")
    expect(await sealed().load("session", ["a", "B:c", "old"])).toEqual({ a: bytes("new"), "B:c": bytes("4") })
    expect(await everything(sealed())).toHaveLength(4)
  })

  it("are all sealed by sealing anew, and damaged from then on", async () => {
    const acme = sealed()
    await acme.save({ session: { a: bytes("new") } })
    let written = 0
    await acme.reseal(never, (records) => (written += records))
    expect(written).toBe(4)
    const keys = [...(await raw()).keys()].filter((key) => !key.startsWith("=="))
    expect(keys.filter((key) => key !== VAULT && !key.includes("/==="))).toEqual([])
    expect(await sealed().load("creds", Object.keys(before.creds))).toEqual(before.creds)
    expect(await acme.load("session", ["a", "B:c"])).toEqual({ a: bytes("new"), "B:c": bytes("4") })

    await put("acme", await keyOf("session").catch(() => "session/old"), Uint8Array.of(1, 2, 9))
    await put("acme", "session/planted", Uint8Array.of(1, 2, 9))
    expect(await sealed().load("session", ["planted"])).toEqual({})
    expect(await faultOf(everything(sealed()))).toMatch(/CREDENTIALS_DAMAGED.*session\/(planted|old)/)
  })

  it("are not found by whoever has removed the salt that says that there are none", async () => {
    sealing.complete.add("credentials")
    expect(await faultOf(sealed().load("creds", ["main"]))).toMatch(/CREDENTIALS_DAMAGED.*plain/)
  })

  it("are sealed a portion at a time, while the line's own saves go on and are not set back", async () => {
    const ids = Array.from({ length: 450 }, (_, at) => String(at))
    await plain().save({ "pre-key": Object.fromEntries(ids.map((id) => [id, bytes("old")])) })
    const acme = sealed()
    const saves: Promise<void>[] = []
    await acme.reseal(never, () => {
      for (const id of ["3", "150", "449"]) saves.push(acme.save({ "pre-key": { [id]: bytes("new") } }))
      saves.push(acme.save({ "pre-key": { 200: null } }))
    })
    await Promise.all(saves)
    const found = await sealed().load("pre-key", ids)
    expect(Object.keys(found)).toHaveLength(449)
    for (const id of ["3", "150", "449"]) expect(found[id], id).toEqual(bytes("new"))
    expect(found["4"]).toEqual(bytes("old"))
  })

  it("are sealed by going on after a stop, and a second time nothing is left to do", async () => {
    const stop = new AbortController()
    const ids = Array.from({ length: 350 }, (_, at) => String(at))
    await plain().save({ "pre-key": Object.fromEntries(ids.map((id) => [id, bytes(id)])) })
    const first = sealed().reseal(stop.signal, () => stop.abort())
    expect(await codeOf(first)).toBe("SHUTTING_DOWN")
    expect(Object.keys(await sealed().load("pre-key", ids))).toHaveLength(350)
    let written = 0
    await sealed().reseal(never, (records) => (written += records))
    expect(written).toBeGreaterThan(200)
    expect(written).toBeLessThan(355)
    written = 0
    await sealed().reseal(never, (records) => (written += records))
    expect(written).toBe(0)
  })
})

describe("a new master key", () => {
  it("opens what the old one sealed until all is sealed anew, and refuses it afterwards", async () => {
    await sealed().save(batch)
    const old = await raw()
    const rotated = await createTestSealing(OTHER_KEY, [KEY])
    const acme = sealed("acme", rotated)
    expect(await acme.load("creds", ["main"])).toEqual(batch.creds)
    await acme.save({ session: { b: bytes("new") } })
    await acme.reseal(never, () => undefined)
    const alone = await createTestSealing(OTHER_KEY)
    expect(await sealed("acme", alone).load("creds", ["main"])).toEqual(batch.creds)
    expect(await sealed("acme", alone).load("session", ["b", "79001234567.0"])).toEqual({
      b: bytes("new"),
      ...batch.session,
    })

    const key = await keyOf("creds")
    expect(old.has(key)).toBe(true)
    await put("acme", key, old.get(key) as Uint8Array)
    expect(await faultOf(sealed("acme", rotated).load("creds", ["main"]))).toMatch(
      /CREDENTIALS_DAMAGED.*creds\/main.*older key/,
    )
  })

  it("does not let plain records in again where all was sealed under the old one", async () => {
    await sealed().save(batch)
    const rotated = await createTestSealing(OTHER_KEY, [KEY])
    await put("acme", await keyOf("creds"), null)
    await put("acme", "creds/main", Uint8Array.of(1, 2, 9))
    expect(await sealed("acme", rotated).load("creds", ["main"])).toEqual({})
    await expect(everything(sealed("acme", rotated))).rejects.toMatchObject({ code: "CREDENTIALS_DAMAGED" })
  })
})

describe("erasing", () => {
  it("destroys the salt first, by itself", async () => {
    const writes: string[] = []
    const watched: OpenStore = {
      ...store,
      driver: {
        ...store.driver,
        commit: (company, some, fence) => (
          writes.push(some.map(({ key }) => key).join()), store.driver.commit(company, some, fence)
        ),
        erase: (company, fence) => (writes.push("erase"), store.driver.erase(company, fence)),
      },
    }
    const acme = openCompanyStore(watched, leaseOf("acme"), { ...tools, sealer: sealing.sealer })
    await acme.save(batch)
    writes.length = 0
    await acme.clear()
    expect(writes).toEqual([VAULT, "erase"])
    await acme.save(batch)
    writes.length = 0
    await eraseCompany(watched, "acme", { ...tools, sealer: sealing.sealer })
    expect(writes).toEqual([VAULT, "erase"])
  })

  it("that breaks off behind the salt leaves nothing that opens, and is finished by whoever comes next", async () => {
    const salt = async (): Promise<Uint8Array> => (await raw()).get(VAULT) as Uint8Array
    await sealed().save(batch)
    const before = await salt()
    const broken: OpenStore = { ...store, driver: { ...store.driver, erase: () => Promise.reject(new Error("crash")) } }
    const acme = openCompanyStore(broken, leaseOf("acme"), { ...tools, sealer: sealing.sealer })
    await expect(acme.clear()).rejects.toThrow("crash")
    expect(await salt()).not.toEqual(before)
    expect((await raw()).size).toBe(3)
    const next: AuthStore = sealed()
    expect(await next.load("creds", ["main"])).toEqual({})
    expect((await raw()).size).toBe(0)
    await next.save({ creds: { main: bytes("anew") } })
    expect(await sealed().load("creds", ["main"])).toEqual({ main: bytes("anew") })
  })
})

describe("a sealed store of files", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  const open = async (): Promise<void> => {
    store = await openFilesystem({ path: `${folder.path}/auth`, slack: 4_096, openFiles: 4 })
  }
  beforeEach(async () => {
    folder = await temporaryFolder()
    await open()
  })
  afterEach(async () => {
    await store.close()
    await folder.remove()
  })
  const subject: StoreSubject = {
    get store() {
      return store
    },
    has: { durable: true, atomic: true },
    company: (id, fence = 1) => openCompanyStore(store, leaseOf(id, fence), { ...tools, sealer: sealing.sealer }),
    open,
    async reopen() {
      await store.close()
      await open()
    },
  }
  lifetime(subject)
  model(subject)

  it("keeps nothing of what was plain once that is sealed anew, and opens again from the last good copy", async () => {
    const files = async (): Promise<string> => {
      const at = `${folder.path}/auth/acme`
      const names = await readdir(at)
      expect(names.sort()).toEqual(["journal", "last-good"])
      return (await Promise.all(names.map((name) => readFile(`${at}/${name}`, "latin1")))).join()
    }
    await plain().save(batch)
    await plain().save({ session: { "79001234567.0": null } })
    for (const secret of ["a private key", "a ratchet"]) expect(await files()).toContain(secret)
    const acme = sealed()
    await Promise.all([acme.reseal(never, () => undefined), acme.save({ session: { b: bytes("beside") } })])
    for (const secret of ["a private key", "a ratchet", "79001234567", "beside"])
      expect(await files()).not.toContain(secret)
    await subject.reopen()
    expect(await sealed().load("creds", ["main"])).toEqual(batch.creds)
    expect(await sealed().load("session", ["b"])).toEqual({ b: bytes("beside") })

    await store.close()
    await rename(`${folder.path}/auth/acme/last-good`, `${folder.path}/auth/acme/journal`)
    await open()
    expect(await sealed().load("creds", ["main"])).toEqual(batch.creds)
    expect(await sealed().load("session", ["b"])).toEqual({})
  })
})
