import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type FilesystemOptions, openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openCompanyStore } from "../../core/storage.ts"
import type { AuthStore, OpenStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes } from "../suites/bytes.ts"
import { type Interference, interferedDisk } from "../support/disks.ts"
import { temporaryFolder } from "../support/folder.ts"

describe("a filesystem store", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let store: OpenStore
  let interfere: Interference

  const open = (options: Partial<FilesystemOptions> = {}): Promise<OpenStore> =>
    openFilesystem({
      path: folder.path,
      disk: interferedDisk((operation, path) => interfere(operation, path)),
      ...options,
    })
  const company = (id = "acme", fence = 1): AuthStore => openCompanyStore(store, leaseOf(id, fence), tools)
  const healthy: Interference = () => undefined

  beforeEach(async () => {
    folder = await temporaryFolder()
    interfere = healthy
    store = await open()
  })

  afterEach(async () => {
    interfere = healthy
    await store.close()
    await folder.remove()
  })

  it("gives folders mode 700 and files mode 600", async () => {
    await company().save({ creds: { me: bytes("me") } })
    await store.close()
    const modes: Record<string, string> = {}
    for (const path of ["", "acme", "acme/journal", "acme/last-good"]) {
      modes[path] = ((await stat(join(folder.path, path))).mode & 0o777).toString(8)
    }
    expect(modes).toEqual({ "": "700", acme: "700", "acme/journal": "600", "acme/last-good": "600" })
    store = await open()
  })

  it("writes and syncs once for all that wait", async () => {
    await company().save({ session: { a: bytes("1") } })
    const counts = { write: 0, sync: 0 }
    interfere = (operation) => {
      if (operation === "write" || operation === "sync") counts[operation]++
    }
    await Promise.all(
      Array.from({ length: 100 }, (_, turn) => company().save({ session: { [`n${turn}`]: bytes("x") } })),
    )
    expect(counts.sync).toBeLessThanOrEqual(2)
    expect(counts.write).toBe(counts.sync)
  })

  it("leaves nothing of outdated and deleted records in the file once it is rewritten", async () => {
    await store.close()
    store = await open({ slack: 4_096 })
    await company().save({ session: { gone: bytes("SECRET-GONE"), kept: bytes("KEPT") } })
    await company().save({ session: { gone: null } })
    for (let turn = 0; turn < 200; turn++)
      await company().save({ session: { a: bytes(`SECRET-OLD-${turn} ${"x".repeat(100)}`) } })
    await store.close()
    const file = await readFile(join(folder.path, "acme/journal"), "latin1")
    expect(file.length).toBeLessThan(10_000)
    expect(file).not.toContain("SECRET-GONE")
    expect(file).not.toContain("SECRET-OLD-1 ")
    expect(file).toContain("KEPT")
    store = await open()
    expect(Object.keys(await company().load("session", ["gone", "kept", "a"]))).toEqual(["kept", "a"])
  })

  it("keeps reading while the file is rewritten under it", async () => {
    await store.close()
    store = await open({ slack: 500, openFiles: 1 })
    await company().save({
      session: Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`k${at}`, bytes(`v${at}`)])),
    })
    const writes = Array.from(
      { length: 150 },
      (_, turn) => () => company().save({ session: { hot: bytes(`${turn}`.padEnd(80)) } }),
    )
    const reads = Array.from({ length: 150 }, (_, turn) => async () => {
      const id = `k${turn % 50}`
      expect((await company().load("session", [id]))[id]).toEqual(bytes(`v${turn % 50}`))
      await company(`other${turn % 5}`).load("session", [id])
    })
    await Promise.all([
      (async () => {
        for (const write of writes) await write()
      })(),
      (async () => {
        for (const read of reads) await read()
      })(),
    ])
    expect((await company().load("session", ["hot"]))["hot"]).toEqual(bytes("149".padEnd(80)))
  })

  it("works for 600 companies with 16 open files", async () => {
    await store.close()
    store = await open({ openFiles: 16, durable: false })
    const names = Array.from({ length: 600 }, (_, at) => `company-${at}`)
    await Promise.all(names.map((name) => company(name).save({ creds: { me: bytes(name) } })))
    const loaded = await Promise.all(names.map((name) => company(name).load("creds", ["me"])))
    expect(loaded.map((records) => records["me"])).toEqual(names.map(bytes))
    const open600 = (await readdir("/proc/self/fd").catch(() => [])).length
    await store.close()
    const closed = (await readdir("/proc/self/fd").catch(() => [])).length
    expect(open600 - closed).toBeLessThanOrEqual(16)
    store = await open()
  })

  it("ignores what is not a company in its folder", async () => {
    await mkdir(join(folder.path, "Some Folder"))
    await writeFile(join(folder.path, ".hidden"), "")
    await company().save({ creds: { me: bytes("me") } })
    expect(await store.driver.companies()).toEqual(["acme"])
    for (const name of ["../acme", "..", "", "a/b", "A"]) {
      await expect(store.driver.load(name, ["creds/me"])).rejects.toThrow(TypeError)
      await expect(store.driver.erase(name)).rejects.toThrow(TypeError)
    }
  })
})
