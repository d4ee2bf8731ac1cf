import { copyFile, readdir, readFile, rename, rm, truncate, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openCompanyStore } from "../../core/storage.ts"
import type { AuthStore, OpenStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { temporaryFolder } from "../support/folder.ts"

describe("a company's journal on the disk", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let store: OpenStore
  let journal: string
  let lastGood: string

  beforeEach(async () => {
    folder = await temporaryFolder()
    journal = join(folder.path, "acme", "journal")
    lastGood = join(folder.path, "acme", "last-good")
    store = await openFilesystem({ path: folder.path })
  })

  afterEach(async () => {
    await store.close()
    await folder.remove()
  })

  const company = (id = "acme"): AuthStore => openCompanyStore(store, leaseOf(id), tools)
  const reopen = async (): Promise<void> => {
    await store.close()
    store = await openFilesystem({ path: folder.path })
  }

  it("drops an unfinished last write, wherever it breaks off, and goes on", async () => {
    await company().save({ creds: { me: bytes("me") }, session: { a: bytes("old") } })
    await store.close()
    const before = await readFile(journal)
    store = await openFilesystem({ path: folder.path })
    await company().save({ session: { a: bytes("new"), b: bytes("b".repeat(60)) } })
    await store.close()
    const after = await readFile(journal)
    expect(after.subarray(0, before.length)).toEqual(before)
    for (let end = before.length; end < after.length; end++) {
      await writeFile(journal, after.subarray(0, end))
      store = await openFilesystem({ path: folder.path })
      expect(await company().load("session", ["a", "b"])).toEqual({ a: bytes("old") })
      await company().save({ session: { c: bytes(`${end}`) } })
      await reopen()
      expect(await company().load("session", ["a", "b", "c"])).toEqual({ a: bytes("old"), c: bytes(`${end}`) })
      await store.close()
    }
  })

  it("drops a last write of the right length whose bytes did not all arrive", async () => {
    await company().save({ session: { a: bytes("old") } })
    const { length } = await readFile(journal)
    await company().save({ session: { a: bytes("new") } })
    await store.close()
    const file = await readFile(journal)
    for (let at = length; at < file.length; at++) {
      const torn = Buffer.from(file)
      torn[at] = (torn[at] ?? 0) ^ 0x40
      await writeFile(journal, torn)
      store = await openFilesystem({ path: folder.path })
      expect(await company().load("session", ["a"])).toEqual({ a: bytes("old") })
      await store.close()
    }
  })

  it("calls it damaged, and never absent, when any byte before the last write has changed", async () => {
    await company().save({ creds: { me: bytes("me") } })
    await company().save({ session: { a: bytes("a") } })
    const { length } = await readFile(journal)
    await company().save({ session: { b: bytes("b") } })
    await company("other").save({ session: { a: bytes("a") } })
    await store.close()
    const file = await readFile(journal)
    for (let at = 0; at < length; at++) {
      const damaged = Buffer.from(file)
      damaged[at] = (damaged[at] ?? 0) ^ 0x01
      await writeFile(journal, damaged)
      store = await openFilesystem({ path: folder.path })
      expect(await codeOf(company().load("creds", ["me", "none"])), `byte ${at}`).toBe("CREDENTIALS_DAMAGED")
      expect(await codeOf(company().save({ session: { c: bytes("c") } })), `byte ${at}`).toBe("CREDENTIALS_DAMAGED")
      expect(await company("other").load("session", ["a"])).toEqual({ a: bytes("a") })
      await store.close()
      expect(await readFile(journal), "what is damaged is left as it is").toEqual(damaged)
    }
  })

  it("names what is damaged in the cause, and tells a caller only that the credentials are", async () => {
    await company().save({ creds: { me: bytes("me") } })
    await store.close()
    await writeFile(journal, "nonsense")
    store = await openFilesystem({ path: folder.path })
    const error: unknown = await company()
      .load("creds", ["me"])
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: "CREDENTIALS_DAMAGED", message: "The stored credentials are damaged" })
    expect((error as Error).cause).toMatchObject({ message: expect.stringContaining(journal) })
  })

  it.each([
    ["empty", () => truncate(journal, 0)],
    ["cut within its head", () => truncate(journal, 31)],
    ["cut within its first write", () => truncate(journal, 80)],
    ["gone, with the copy of the credentials still there", () => rm(journal)],
  ])("calls it damaged when it is %s", async (_, damage) => {
    await company().save({ creds: { me: bytes("x".repeat(200)) } })
    await store.close()
    await damage()
    store = await openFilesystem({ path: folder.path })
    expect(await codeOf(company().load("creds", ["me"]))).toBe("CREDENTIALS_DAMAGED")
  })

  it("calls it damaged when it has lost writes that the copy of the credentials has seen", async () => {
    await company().save({ session: { a: bytes("a") } })
    const early = await readFile(journal)
    await company().save({ creds: { me: bytes("me") } })
    await store.close()
    await writeFile(journal, early)
    store = await openFilesystem({ path: folder.path })
    expect(await codeOf(company().load("creds", ["me"]))).toBe("CREDENTIALS_DAMAGED")
  })

  it("finds a record that has changed since the journal was opened", async () => {
    await company().save({ session: { a: bytes("a".repeat(50)) } })
    const file = await readFile(journal)
    await writeFile(journal, file.subarray().fill("b", file.indexOf("aaaa"), file.indexOf("aaaa") + 1))
    expect(await codeOf(company().load("session", ["a"]))).toBe("CREDENTIALS_DAMAGED")
  })

  it("erases a company whose journal is damaged, and only that", async () => {
    await company().save({ creds: { me: bytes("me") } })
    await company("other").save({ creds: { me: bytes("me") } })
    await store.close()
    await truncate(journal, 0)
    store = await openFilesystem({ path: folder.path })
    await company().clear()
    expect(await readdir(folder.path)).toEqual(["other"])
    expect(await company().load("creds", ["me"])).toEqual({})
  })

  it("keeps the last good copy of the credentials, which put in its place is a linked company again", async () => {
    for (const turn of ["1", "2", "3"])
      await company().save({ creds: { me: bytes(turn), more: bytes(turn) }, session: { a: bytes(turn) } })
    await store.close()
    await copyFile(journal, `${journal}.damaged`)
    await rename(lastGood, journal)
    store = await openFilesystem({ path: folder.path })
    expect(await company().load("creds", ["me", "more"])).toEqual({ me: bytes("3"), more: bytes("3") })
    expect(await company().load("session", ["a"])).toEqual({})
    await company().save({ creds: { me: bytes("4") } })
    await reopen()
    expect(await company().load("creds", ["me", "more"])).toEqual({ me: bytes("4"), more: bytes("3") })
  })

  it("makes the copy anew when that is damaged, and never takes it for an absent company", async () => {
    await company().save({ creds: { me: bytes("me") } })
    await store.close()
    const good = await readFile(lastGood)
    await writeFile(lastGood, "nonsense")
    store = await openFilesystem({ path: folder.path })
    expect(await company().load("creds", ["me"])).toEqual({ me: bytes("me") })
    await company().save({ session: { a: bytes("a") } })
    await store.close()
    expect((await readFile(lastGood)).length).toBe(good.length)
    await writeFile(lastGood, "nonsense")
    await rm(journal)
    store = await openFilesystem({ path: folder.path })
    expect(await codeOf(company().load("creds", ["me"]))).toBe("CREDENTIALS_DAMAGED")
  })

  it("keeps no copy of credentials that were deleted", async () => {
    await company().save({ creds: { me: bytes("secret") }, session: { a: bytes("a") } })
    await company().save({ creds: { me: null } })
    await store.close()
    expect(await readdir(join(folder.path, "acme"))).toEqual(["journal"])
  })

  it("is not misled by what a rewrite left unfinished", async () => {
    await company().save({ creds: { me: bytes("me") } })
    await store.close()
    await writeFile(`${journal}.new`, "half a journal")
    await writeFile(`${lastGood}.new`, "half a copy")
    store = await openFilesystem({ path: folder.path })
    expect(await company().load("creds", ["me"])).toEqual({ me: bytes("me") })
    expect(await company("half").load("creds", ["me"])).toEqual({})
  })

  it("takes a folder without a journal for a company that has not begun", async () => {
    await company().save({ session: { a: bytes("a") } })
    await store.close()
    await rm(journal)
    store = await openFilesystem({ path: folder.path })
    expect(await company().load("creds", ["me"])).toEqual({})
    expect(await store.driver.companies()).toEqual([])
    await company().save({ creds: { me: bytes("me") } })
    expect(await store.driver.companies()).toEqual(["acme"])
  })
})
