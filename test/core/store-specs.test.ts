import { z } from "@hono/zod-openapi"
import { describe, expect, it } from "vitest"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import type { NamedStore } from "../../core/config.ts"
import { foreignAdapter } from "../../core/records/foreign-adapter.ts"
import { storesSetting, storeSpecs } from "../../core/settings/store-specs.ts"
import type { StorageAdapter } from "../../core/store.ts"
import { storeOptions } from "../support/store-options.ts"
import { temporaryFolder } from "../support/folder.ts"

const remote: StorageAdapter = {
  name: "remote",
  config: z.object({
    url: z.url({ error: "expected a URL" }).optional(),
    prefix: z.string().default("line:"),
    db: z.int({ error: "expected a whole number" }).optional(),
  }),
  env: { REMOTE_URL: { key: "url", secret: true } },
  needs: ["url"],
  open: memoryStorage.open,
}

const installed = [memoryStorage, remote, foreignAdapter(createNodeSystem())]

function read(named: Readonly<Record<string, NamedStore>>, standard = "memory", own: Record<string, unknown> = {}) {
  const { specs, problems } = storeSpecs({ stores: installed }, named, standard, ({ name }) =>
    name === "remote" ? own : {},
  )
  return { specs, problems: problems.map(({ variable, message }) => `${variable}: ${message}`) }
}

describe("WHATSAPP_STORES", () => {
  it("is JSON: name to adapter and options", () => {
    expect(storesSetting.parse('{"archive":{"adapter":"remote","db":3}}')).toEqual({
      archive: { adapter: "remote", db: 3 },
    })
    for (const text of ["", "redis", "[]", '{"a":1}', '{"a":{}}', "null"]) {
      expect(storesSetting.safeParse(text).success).toBe(false)
    }
  })

  it("never repeats what it was given", () => {
    const { error } = storesSetting.safeParse('{"archive": s3cret')
    expect(JSON.stringify(error?.issues)).not.toContain("s3cret")
  })

  it("takes an adapter's own settings as defaults of every store of its kind", () => {
    const { specs, problems } = read(
      { archive: { adapter: "remote", db: 3 }, other: { adapter: "remote", url: "redis://elsewhere" } },
      "memory",
      { url: "redis://here", prefix: "line:" },
    )
    expect(problems).toEqual([])
    expect([...specs.keys()]).toEqual(["memory", "remote", "archive", "other"])
    expect(specs.get("archive")?.options).toEqual({ url: "redis://here", prefix: "line:", db: 3 })
    expect(specs.get("other")?.options).toEqual({ url: "redis://elsewhere", prefix: "line:" })
  })

  it("offers no store that lacks what it needs, and says so where one was asked for", () => {
    expect([...read({}).specs.keys()]).toEqual(["memory"])
    // What forgets its lines at a restart is no choice for a company unless the operator has named it.
    expect([...read({}, "other").specs.keys()]).toEqual([])
    expect(read({}, "remote").problems).toEqual(["REMOTE_URL: is needed by WHATSAPP_STORAGE=remote"])
    expect(read({ archive: { adapter: "remote" } }).problems).toEqual([
      "WHATSAPP_STORES: archive: url: is needed (or REMOTE_URL for all stores of this kind)",
    ])
  })

  it.each([
    [{ archive: { adapter: "ftp" } }, "WHATSAPP_STORES: archive: adapter: expected one of memory, remote, unstorage"],
    [{ "a:b": { adapter: "memory" } }, "WHATSAPP_STORES: a name: expected lower-case letters"],
    [{ A: { adapter: "memory" } }, "WHATSAPP_STORES: a name: expected lower-case letters"],
    [{ x: { adapter: "remote", url: "here" } }, "WHATSAPP_STORES: x: url: expected a URL"],
    [{ x: { adapter: "memory", path: "y" } }, "WHATSAPP_STORES: x: path: is no option of memory; it has none"],
    [{ x: { adapter: "unstorage" } }, "WHATSAPP_STORES: x: driver: is needed"],
  ])("tells what is wrong: %j", (named, start) => {
    expect(read(named).problems[0]).toMatch(new RegExp(`^${start.replaceAll(/[.*]/g, "\\$&")}`))
  })

  it("may be the standard store by any of its names, and by no other", () => {
    expect(read({ archive: { adapter: "memory" } }, "archive").problems).toEqual([])
    expect(read({}, "archive").problems).toEqual(["WHATSAPP_STORAGE: expected one of memory"])
  })
})

describe("a foreign unstorage driver", () => {
  it("is a store by its name, with what it lacks said when it is opened", async () => {
    const folder = await temporaryFolder()
    const { specs, problems } = read({ drive: { adapter: "unstorage", driver: "fs", base: folder.path } })
    expect(problems).toEqual([])
    const spec = specs.get("drive")
    const store = await spec?.adapter.open(storeOptions(spec.options))
    expect(store?.capabilities).toEqual({ durable: false, atomic: false })
    await store?.driver.commit("acme", [{ key: "creds/creds", value: Uint8Array.of(1) }], 1)
    expect(await store?.driver.keys("acme")).toEqual(["creds/creds"])
    await store?.close()
    await folder.remove()
  })

  it.each(["nothing-of-that-name", "./not-there.ts", "hono"])(
    "that is none is told with its option: %s",
    async (driver) => {
      const { specs } = read({ drive: { adapter: "unstorage", driver } })
      const spec = specs.get("drive")
      await expect(spec?.adapter.open(storeOptions(spec.options))).rejects.toMatchObject({
        name: "StoreFault",
        option: "driver",
      })
    },
  )
})
