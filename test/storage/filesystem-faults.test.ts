import { readdir, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type FilesystemOptions, openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openCompanyStore } from "../../core/storage.ts"
import type { AuthStore, OpenStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { type DiskOperation, diskError, type Interference, interferedDisk } from "../support/disks.ts"
import { temporaryFolder } from "../support/folder.ts"

describe("a filesystem store on a disk that fails", () => {
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
  const reopen = async (): Promise<void> => {
    await store.close()
    store = await open()
  }
  const failing = (operations: readonly DiskOperation[], code: string, part = ""): Interference => {
    return (operation, path) => {
      if (operations.includes(operation) && path.includes(part)) throw diskError(code)
    }
  }
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

  it.each(["EIO", "EACCES", "EMFILE", "ENOTDIR"])(
    "calls a journal unavailable, and never absent, when opening it fails with %s",
    async (code) => {
      await company().save({ creds: { me: bytes("me") } })
      await store.driver.evict("acme")
      interfere = failing(["open"], code)
      expect(await codeOf(company().load("creds", ["me"]))).toBe("STORAGE_UNAVAILABLE")
      expect(await codeOf(company().save({ creds: { me: bytes("new") } }))).toBe("STORAGE_UNAVAILABLE")
      interfere = healthy
      expect(await company().load("creds", ["me"])).toEqual({ me: bytes("me") })
    },
  )

  it("calls a company unavailable when a file stands where its folder should be", async () => {
    await writeFile(join(folder.path, "acme"), "")
    expect(await codeOf(company().load("creds", ["me"]))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(company().save({ creds: { me: bytes("me") } }))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(store.driver.companies())).toBe("STORAGE_UNAVAILABLE")
  })

  it("calls a record unavailable when reading it fails", async () => {
    await company().save({ creds: { me: bytes("me") } })
    interfere = failing(["read"], "EIO")
    expect(await codeOf(company().load("creds", ["me"]))).toBe("STORAGE_UNAVAILABLE")
  })

  it.each([
    ["write", "ENOSPC"],
    ["sync", "EIO"],
  ] as const)("refuses what it cannot %s, gives the room back, and takes the next", async (operation, code) => {
    await company().save({ session: { a: bytes("old") } })
    const size = (await stat(join(folder.path, "acme/journal"))).size
    interfere = failing([operation], code, "journal")
    expect(await codeOf(company().save({ session: { a: bytes("lost"), b: bytes("lost") } }))).toBe(
      "STORAGE_UNAVAILABLE",
    )
    expect(await company().load("session", ["a", "b"])).toEqual({ a: bytes("old") })
    expect((await stat(join(folder.path, "acme/journal"))).size).toBe(size)
    interfere = failing([operation, "truncate"], code, "journal")
    expect(await codeOf(company().save({ session: { a: bytes("lost") } }))).toBe("STORAGE_UNAVAILABLE")
    interfere = healthy
    await company().save({ session: { c: bytes("new") } })
    await reopen()
    expect(await company().load("session", ["a", "b", "c"])).toEqual({ a: bytes("old"), c: bytes("new") })
  })

  it.each(["makeFolder", "create", "write", "sync", "rename", "syncFolder"] as const)(
    "begins a company at the next try when its first one fails at %s",
    async (operation) => {
      interfere = failing([operation], "ENOSPC")
      expect(await codeOf(company().save({ session: { a: bytes("1") } }))).toBe("STORAGE_UNAVAILABLE")
      interfere = healthy
      await company().save({ session: { b: bytes("2") } })
      await reopen()
      expect((await company().load("session", ["b"]))["b"]).toEqual(bytes("2"))
    },
  )

  it("acknowledges nothing until a folder that could not be synced has been", async () => {
    interfere = failing(["syncFolder"], "EIO", "acme")
    expect(await codeOf(company().save({ session: { a: bytes("1") } }))).toBe("STORAGE_UNAVAILABLE")
    expect(await codeOf(company().save({ session: { a: bytes("2") } }))).toBe("STORAGE_UNAVAILABLE")
    interfere = healthy
    await company().save({ session: { a: bytes("3") } })
    expect(await company().load("session", ["a"])).toEqual({ a: bytes("3") })
  })

  it("goes on when the copy of the credentials or a rewrite cannot be made, and makes them later", async () => {
    await store.close()
    store = await open({ slack: 1_000 })
    // The journal itself has to be created, so it begins before the disk fails.
    await company().save({ session: { a: bytes("a") } })
    interfere = failing(["create"], "ENOSPC")
    for (let turn = 0; turn < 40; turn++)
      await company().save({ creds: { me: bytes(`${turn}`) }, session: { a: bytes("x".repeat(200)) } })
    expect(await readdir(join(folder.path, "acme"))).toEqual(["journal"])
    const { size } = await stat(join(folder.path, "acme/journal"))
    interfere = healthy
    for (let turn = 0; turn < 20; turn++) await company().save({ session: { a: bytes("x".repeat(200)) } })
    await store.close()
    expect(await readdir(join(folder.path, "acme"))).toEqual(["journal", "last-good"])
    expect((await stat(join(folder.path, "acme/journal"))).size).toBeLessThan(size / 3)
    store = await open()
    expect(await company().load("creds", ["me"])).toEqual({ me: bytes("39") })
  })

  it("finishes at the next start an erasure that broke off", async () => {
    await company().save({ creds: { me: bytes("me") } })
    let removals = 0
    interfere = (operation) => {
      if (operation === "remove" && ++removals > 1) throw diskError("EIO")
    }
    expect(await codeOf(company().clear())).toBe("STORAGE_UNAVAILABLE")
    expect(await store.driver.companies()).toEqual([])
    interfere = healthy
    await reopen()
    expect(await readdir(folder.path)).toEqual([])
  })

  it("does not let one company's hanging disk hold up another's", async () => {
    await company("stuck").save({ session: { a: bytes("1") } })
    let release = (): void => undefined
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    interfere = (_, path) => (path.includes("stuck") ? held : undefined)
    const stuck = [company("stuck").load("session", ["a"]), company("stuck").save({ session: { b: bytes("2") } })]
    for (let turn = 0; turn < 20; turn++) await company("free").save({ session: { a: bytes(`${turn}`) } })
    expect(await company("free").load("session", ["a"])).toEqual({ a: bytes("19") })
    release()
    await Promise.all(stuck)
    expect(Object.keys(await company("stuck").load("session", ["a", "b"]))).toEqual(["a", "b"])
  })
})
