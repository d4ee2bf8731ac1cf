import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { NO_DIRECT_DOWNLOADS } from "../../adapters/provider/baileys/proxy.ts"
import { startSandbox, type Sandbox } from "../sandbox/index.ts"
import { startHttpProxy, startSocksProxy } from "../support/proxies.ts"
import { createTestLine } from "./support.ts"

let sandbox: Sandbox
let nextNumber = 15560000

beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(() => sandbox.stop())

describe("a line with a proxy", () => {
  test("downloads nothing past it", async () => {
    const fetching = fetch(sandbox.control, NO_DIRECT_DOWNLOADS)
    await expect(fetching).rejects.toMatchObject({ cause: { message: expect.stringContaining("past it") } })
  })

  test.each([
    ["an HTTP proxy", startHttpProxy],
    ["a SOCKS proxy", startSocksProxy],
  ])("links and sends through %s", async (_name, start) => {
    const proxy = await start()
    const company = await sandbox.phone(String(nextNumber++))
    const ann = await sandbox.phone(String(nextNumber++))
    const line = createTestLine({ sandbox, company: company.number, proxy: proxy.url })
    await line.link(company)
    expect(await line.send(ann.number, "by a detour")).toMatchObject({ outcome: "acknowledged" })
    expect(new Set(proxy.asked)).toEqual(new Set([new URL(sandbox.url).host]))
    expect(proxy.asked).toHaveLength(2)
    await line.close()
    proxy.close()
  })

  test("that is not there is unreachable", async () => {
    const proxy = await startHttpProxy()
    proxy.close()
    const line = createTestLine({ sandbox, proxy: proxy.url })
    await line.connect()
    expect(await line.event("close", 3000)).toMatchObject({ reason: "unreachable" })
  })

  test("of an unknown kind is refused without repeating its URL", async () => {
    const line = createTestLine({ sandbox, proxy: "ftp://user:secret@127.0.0.1" })
    await line.connect()
    const { detail } = await line.event("close", 3000)
    expect(detail).toContain("http, https or socks")
    expect(detail).not.toContain("secret")
  })
})
