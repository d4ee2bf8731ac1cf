import { afterEach, expect, it } from "vitest"
import { startHttpProxy, startSocksProxy } from "../support/proxies.ts"
import { connected, dataOf, openStage, type Stage } from "./stage.ts"
import { until } from "../support/platform.ts"

const env = { WHATSAPP_DEBUG_BAILEYS: "true", WHATSAPP_DEBUG_SESSIONS: "true", WHATSAPP_LOG_LEVEL: "debug" }
let stage: Stage
afterEach(() => stage.close())

it.each(["node", "deno"] as const)(
  "a company's line links, sends and comes back through its proxy, which a live line changes by connecting anew, on %s",
  async (runtime) => {
    stage = await openStage({ runtime, env })
    const proxies = [await startHttpProxy(), await startSocksProxy()] as const
    const [http, socks] = proxies
    const { platform, sandbox } = stage
    const path = "/api/whatsapp/companies/company-1"
    const server = new URL(sandbox.url).host
    expect((await platform.call("PUT", path, { proxy: http.url })).status).toBe(201)

    const [company] = await stage.link(1)
    if (company === undefined) throw new Error("no company was linked")
    expect(new Set(http.asked)).toEqual(new Set([server]))
    const linkedBy = http.asked.length
    expect(linkedBy).toBe(2)

    const ann = await stage.phone("4915112349001")
    const say = (message: string) =>
      platform.call("POST", "/api/whatsapp/send", { companyId: company.id, phone: ann.number, message })
    expect((await say("by the first detour")).status).toBe(200)

    const changed = await platform.call("PUT", path, { proxy: socks.url })
    expect(dataOf<{ proxy: string }>(changed).proxy).toBe(socks.url.replace("user:secret", "***"))
    await until("it asks the second proxy", 30_000, async () => (socks.asked.length > 0 ? true : undefined))
    await connected(platform, company, 30_000)
    expect((await say("by the second")).status).toBe(200)
    expect([http.asked.length, socks.asked]).toEqual([linkedBy, [server]])

    // A proxy that is gone: the line waits for it rather than go past it.
    socks.close()
    http.close()
    await until("it notices", 30_000, async () => {
      const answer = await platform.call("GET", `/api/whatsapp/sessions/${company.id}`)
      return dataOf<{ status: string }>(answer).status === "reconnecting" ? true : undefined
    })
    const logins = (await company.line.view()).logins.length
    expect(platform.tail().join("\n")).toContain("reconnecting")
    expect(platform.tail().join("\n")).not.toMatch(/user:secret|secret/)
    const back = await platform.call("PUT", path, { proxy: null })
    expect(dataOf<{ proxy: null }>(back).proxy).toBeNull()
    await connected(platform, company, 30_000)
    expect((await company.line.view()).logins).toHaveLength(logins + 1)
  },
  120_000,
)
