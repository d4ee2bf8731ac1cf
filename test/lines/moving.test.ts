import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { OpenStore } from "../../core/store.ts"
import { callOf, type House, openStoredHouse } from "./house.ts"

const stores = ["files", "archive"]

const put = (house: House, storage: string, company = "acme") =>
  house.lines.companySettings.put(callOf(company), { storage })
const view = (house: House, company = "acme") => house.lines.companySettings.get(company)
const keysIn = (house: House, store: string, company = "acme") =>
  (house.stores.get(store) as OpenStore).driver.keys(company)
const moves = async (house: House) =>
  (await house.events("acme")).filter(({ type }) => type === "storage.move").map(({ data }) => data.state)

/** Replaces one ability of a store for as long as the test runs. */
function sabotage(house: House, store: string, change: Partial<OpenStore["driver"]>): () => void {
  const { driver } = house.stores.get(store) as OpenStore
  const before = { ...driver }
  Object.assign(driver, change)
  return () => void Object.assign(driver, before)
}

/** Holds every write to a store back; the function it gives lets them go. */
function holdWrites(house: House, store: string): () => void {
  let release = (): void => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const { commit } = (house.stores.get(store) as OpenStore).driver
  sabotage(house, store, {
    commit: async (...input) => {
      await held
      return commit(...input)
    },
  })
  return release
}

async function linked(): Promise<House> {
  const house = await openStoredHouse({ stores })
  await house.connect("acme")
  return house
}

describe("a company's store", () => {
  it("is the standard one unless it is put elsewhere before it links", async () => {
    const house = await openStoredHouse({ stores })
    expect((await put(house, "archive")).view).toMatchObject({ storage: "archive", move: null })
    await house.connect("acme")
    await house.connect("other")
    expect(await keysIn(house, "archive")).not.toEqual([])
    expect(await keysIn(house, "files")).toEqual([])
    expect(await keysIn(house, "files", "other")).not.toEqual([])
    expect((await house.lines.sessions.status("acme")).storage).toBe("archive")
    expect((await house.lines.sessions.status("other")).storage).toBe("files")
  })

  it("stays where it began when another one becomes the standard", async () => {
    const house = await openStoredHouse({ stores })
    await house.connect("acme")
    const shelf = house.stores as Map<string, OpenStore>
    const files = shelf.get("files") as OpenStore
    shelf.delete("files")
    shelf.set("files", files)
    const next = await house.reopen("stop")
    next.lines.start()
    await next.clock.advance(1_000)
    await next.provider.line("acme").open()
    expect(await next.lines.sessions.status("acme")).toMatchObject({ connected: true, storage: "files" })
    await next.connect("later")
    expect(await next.lines.sessions.status("later")).toMatchObject({ storage: "archive" })
  })

  it("that nobody has set up is refused with the names of those there are", async () => {
    const house = await openStoredHouse({ stores })
    await expect(put(house, "nowhere")).rejects.toMatchObject({
      code: "VALIDATION_ERROR",
      details: [{ path: "storage", message: "expected one of files, archive" }],
    })
  })
})

describe("moving a linked company", () => {
  it("takes everything along, connects again without a code, and leaves nothing behind", async () => {
    const house = await linked()
    const before = await keysIn(house, "files")
    const { moving } = await put(house, "archive")
    expect(moving).toBe(true)
    await house.clock.advance(1_000)
    await house.provider.line("acme").open()
    expect(await keysIn(house, "archive")).toEqual(before)
    expect(await keysIn(house, "files")).toEqual([])
    expect(await view(house)).toMatchObject({
      storage: "archive",
      move: { from: "files", to: "archive", state: "done" },
    })
    expect(await house.lines.sessions.status("acme")).toMatchObject({ connected: true, storage: "archive" })
    expect(await moves(house)).toEqual(["waiting", "copying", "removing", "done"])
    expect((await house.events("acme")).filter(({ type }) => type === "session.qr")).toHaveLength(1)
  })

  it("takes sends meanwhile, and they go out afterwards", async () => {
    const house = await linked()
    const copying = holdWrites(house, "archive")
    await put(house, "archive")
    await house.clock.settle()
    expect((await view(house)).move).toMatchObject({ state: "copying", copied: 0 })
    const sent = await house.send("acme", {})
    expect(sent.status).toBe(202)
    copying()
    await house.clock.advance(1_000)
    await house.provider.line("acme").open()
    await house.clock.settle()
    expect(house.provider.line("acme").sent.map(({ id }) => id)).toEqual([sent.data.messageId])
  })

  it.each(["commit", "load", "keys"] as const)(
    "leaves the old store in charge when the new one fails at %s",
    async (name) => {
      const house = await linked()
      let calls = 0
      const { driver } = house.stores.get("archive") as OpenStore
      const original = driver[name] as (...input: unknown[]) => Promise<unknown>
      const mend = sabotage(house, "archive", {
        // The first look at the keys is the check before the move begins.
        [name]: (...input: unknown[]) =>
          name === "keys" && calls++ < 2 ? original(...input) : Promise.reject(appError("STORAGE_UNAVAILABLE")),
      })
      await put(house, "archive")
      await house.clock.advance(1_000)
      await house.provider.line("acme").open()
      mend()
      await house.clock.advance(house.settings.cleanupIntervalMs)
      expect(await view(house)).toMatchObject({
        storage: "files",
        move: { state: "failed", error: { code: "STORAGE_UNAVAILABLE" } },
      })
      expect(await keysIn(house, "archive")).toEqual([])
      expect((await house.lines.sessions.status("acme")).connected).toBe(true)
      expect((await house.send("acme", {})).status).toBe(200)
    },
  )

  it("fails when the copy differs", async () => {
    const house = await linked()
    const { load } = (house.stores.get("archive") as OpenStore).driver
    sabotage(house, "archive", {
      load: async (...input) => (await load(...input)).map((value) => value && value.map((byte) => byte ^ 1)),
    })
    await put(house, "archive")
    await house.clock.advance(1_000)
    expect(await view(house)).toMatchObject({ storage: "files", move: { state: "failed" } })
  })

  it("refuses a store that has records of the company already, and touches neither", async () => {
    const house = await linked()
    const { driver } = house.stores.get("archive") as OpenStore
    await driver.commit("acme", [{ key: "creds/creds", value: Uint8Array.of(7) }], 1)
    await expect(put(house, "archive")).rejects.toMatchObject({ code: "STORE_OCCUPIED" })
    expect(await keysIn(house, "archive")).toEqual(["creds/creds"])
    expect(await view(house)).toMatchObject({ storage: "files", move: null })
  })

  it("is refused while another one is under way", async () => {
    const house = await openStoredHouse({ stores: [...stores, "third"] })
    await house.connect("acme")
    sabotage(house, "archive", { commit: () => new Promise(() => undefined) })
    await put(house, "archive")
    await house.clock.settle()
    await expect(put(house, "third")).rejects.toMatchObject({ code: "MOVE_UNDER_WAY" })
  })

  it("waits for nobody: a send, a restart and a logout meanwhile are done afterwards", async () => {
    const house = await linked()
    const copying = holdWrites(house, "archive")
    await put(house, "archive")
    await house.clock.settle()
    expect((await house.send("acme", {})).status).toBe(202)
    const restarted = house.lines.commands.restart(callOf("acme"))
    await house.clock.settle()
    expect((await restarted).status).toBe("connecting")
    const out = house.lines.commands.logout(callOf("acme"))
    await house.clock.advance(11_000)
    expect((await out).status.status).toBe("logged-out")
    copying()
    await house.clock.advance(60_000)
    expect(await view(house)).toMatchObject({ storage: "archive", move: { state: "done" } })
    expect(await keysIn(house, "archive")).toEqual([])
    expect(await keysIn(house, "files")).toEqual([])
  })

  it("of a line that was not connected does not connect it", async () => {
    const house = await linked()
    await house.lines.commands.disconnect(callOf("acme"))
    await put(house, "archive")
    await house.clock.advance(1_000)
    expect(await view(house)).toMatchObject({ storage: "archive", move: { state: "done" } })
    expect((await house.lines.sessions.status("acme")).status).toBe("disconnected")
  })

  it.each(["keys", "commit", "erase"] as const)(
    "goes on after a crash at the new store's %s, and one store is in charge all the time",
    async (name) => {
      const house = await linked()
      const before = await keysIn(house, "files")
      const at = name === "erase" ? "files" : "archive"
      let calls = 0
      const { driver } = house.stores.get(at) as OpenStore
      const original = driver[name] as (...input: unknown[]) => Promise<unknown>
      const mend = sabotage(house, at, {
        [name]: (...input: unknown[]) =>
          name === "keys" && calls++ < 1 ? original(...input) : new Promise(() => undefined),
      })
      await put(house, "archive")
      await house.clock.advance(1_000)
      mend()
      const next = await house.reopen("kill")
      next.lines.start()
      await next.clock.advance(2_000)
      await next.provider.line("acme").open()
      expect(await keysIn(next, "archive")).toEqual(before)
      expect(await keysIn(next, "files")).toEqual([])
      expect(await view(next)).toMatchObject({ storage: "archive", move: { state: "done" } })
      expect((await next.lines.sessions.status("acme")).connected).toBe(true)
    },
  )
})
