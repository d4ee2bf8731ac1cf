import { describe, expect, it } from "vitest"
import type { DeliveryTarget } from "../../core/plugin.ts"
import { dumpOf, stores } from "./inhabited.ts"
import { openStoredWeb, type Web } from "./web.ts"

/** Deliveries in a whole house: with lines, erasures, exports and a stop. */

const MINUTE = 60_000

interface Sending {
  readonly web: Web
  /** Companies whose endpoint was asked for, once for each try. */
  readonly asked: string[]
  send(company: string, id: string): Promise<boolean>
}

/** A plugin whose endpoint is never there, so that every delivery waits. */
function sending(web: Web, target: () => Promise<DeliveryTarget | undefined>): Sending {
  const asked: string[] = []
  const { views, start } = web.house.lines
  views.deliveries("sender").channel("out", {
    target: ({ company }) => {
      asked.push(company)
      return target()
    },
  })
  start()
  return {
    web,
    asked,
    send: (company, id) =>
      views.commit("sender", company, {
        changes: [{ op: "put", key: id, value: { sent: true } }],
        events: [{ type: "alert.raised", data: { id } }],
        deliveries: [{ id, channel: "out", endpoint: "hook", body: { id } }],
      }),
  }
}

const away = () => Promise.reject(new Error("away"))

async function open(target: () => Promise<DeliveryTarget | undefined> = away): Promise<Sending> {
  const web = await openStoredWeb({ stores })
  for (const company of ["acme", "acme-2"]) await web.call("PUT", `/companies/${company}`, { name: company })
  return sending(web, target)
}

describe("deliveries of a company", () => {
  it("go with it when it is erased, and those of others go on", async () => {
    const { web, asked, send } = await open()
    await send("acme", "one")
    await send("acme-2", "two")
    await web.house.clock.advance(MINUTE)
    expect(new Set(asked)).toEqual(new Set(["acme", "acme-2"]))
    const erased = web.call("DELETE", "/companies/acme")
    await web.house.clock.advance(100)
    expect((await erased).status).toBe(200)
    asked.length = 0
    await web.house.clock.advance(60 * MINUTE)
    expect(asked.length).toBeGreaterThan(2)
    expect(new Set(asked)).toEqual(new Set(["acme-2"]))
    expect(await dumpOf(web.house.ledger, "acme")).toEqual([])
    await expect(send("acme", "three")).rejects.toMatchObject({ code: "COMPANY_ERASED" })
  })

  it("are part of its export, and go on where it is imported", async () => {
    const { web, send } = await open()
    await send("acme", "one")
    await web.house.clock.advance(MINUTE)
    const exported = web.fetch("GET", "/companies/acme/export")
    await web.house.clock.advance(100)
    const text = await (await exported).text()
    expect(text).toContain('"table":"delivery"')

    const there = await open(async () => undefined)
    const address = "http://localhost/api/whatsapp/companies/acme/import?force=true"
    const headers = { "content-type": "application/x-ndjson" }
    const imported = there.web.http.fetch(new Request(address, { method: "POST", headers, body: text }))
    await there.web.house.clock.advance(100)
    expect((await imported).status).toBe(200)
    // Found at the latest by the next round of the housekeeping.
    await there.web.house.clock.advance(5 * MINUTE)
    expect(there.asked).toEqual(["acme"])
    const found = await there.web.house.lines.views
      .deliveries("sender")
      .find("acme", { id: "one", channel: "out", endpoint: "hook" })
    expect(found).toMatchObject({ state: "cancelled" })
  })

  it("appear in its event log for whoever reads it", async () => {
    const { web, send } = await open()
    await send("acme", "one")
    const { json } = await web.call("GET", "/events/acme")
    expect(json.data).toMatchObject([{ position: 1, type: "alert.raised", companyId: "acme", data: { id: "one" } }])
  })
})

it("a stop waits for tries under way, and no longer than it may", async () => {
  const { web, asked, send } = await open(() => new Promise(() => undefined))
  await send("acme", "one")
  await web.house.clock.settle()
  expect(asked).toEqual(["acme"])
  let stopped = false
  void web.house.lines.stop(3_000).then(() => {
    stopped = true
  })
  await web.house.clock.advance(1_000)
  expect(stopped).toBe(false)
  await web.house.clock.advance(2_100)
  expect(stopped).toBe(true)
  const next = await web.house.reopen("kill")
  const again = sending({ ...web, house: next }, away)
  await next.clock.advance(1_000)
  // It was no failure of the receiver's: it comes again at once.
  expect(again.asked).toEqual(["acme"])
})
