import { join } from "node:path"
import { expect, it } from "vitest"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openCompanyStore } from "../../core/storage.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { smallDisk } from "../support/room.ts"

it("answers STORAGE_UNAVAILABLE while the disk is full, keeps what it had, and goes on when there is room", async () => {
  const disk = await smallDisk(1 << 20)
  let store = await openFilesystem({ path: join(disk.path, "auth") })
  const company = (id: string) => openCompanyStore(store, leaseOf(id), tools)
  try {
    await company("acme").save({ creds: { me: bytes("me") }, session: { a: bytes("old") } })
    await disk.fill(join(disk.path, "auth/acme/journal"))
    const codes: string[] = []
    for (let turn = 0; turn < 20; turn++)
      codes.push(await codeOf(company("acme").save({ session: { a: new Uint8Array(9_000) } })))
    expect(new Set(codes)).toEqual(new Set(["STORAGE_UNAVAILABLE"]))
    expect(await company("acme").load("session", ["a"])).toEqual({ a: bytes("old") })
    await disk.free()
    await company("acme").save({ session: { b: bytes("new") } })
    await company("other").save({ creds: { me: bytes("me") } })
    await store.close()
    store = await openFilesystem({ path: join(disk.path, "auth") })
    expect(await company("acme").load("session", ["a", "b"])).toEqual({ a: bytes("old"), b: bytes("new") })
    expect(await company("acme").load("creds", ["me"])).toEqual({ me: bytes("me") })
  } finally {
    await store.close()
    await disk.remove()
  }
})
