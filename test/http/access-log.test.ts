import { afterEach, describe, expect, it, vi } from "vitest"
import { createPersonMark } from "../../core/http/person-mark.ts"
import { createHttp } from "../../core/http/app.ts"
import type { Listener } from "../../core/listen.ts"
import { type ApiRoute, defineRoute } from "../../core/route.ts"
import { coreErrors } from "../../core/errors.ts"
import { createHooks } from "../../core/hooks.ts"
import { coreSettings } from "../../core/settings.ts"
import { listenNode } from "../../core/serve/listen-node.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"
import { createTestSystem } from "../support/system.ts"
import { until } from "../support/platform.ts"
import { createHouse, everyScope, sampleRoutes } from "./harness.ts"

/** A house whose log lines tell people apart, with the lines of its requests. */
function marking(routes: readonly ApiRoute[] = sampleRoutes) {
  const log = createTestLog()
  const clock = createTestClock()
  const hooks = createHooks({ clock, log })
  hooks.add("keys", "request:identify", () => ({ kind: "admin", scopes: everyScope }))
  const http = createHttp({
    routes: routes.map((route) => ({ owner: "test", route })),
    hooks,
    settings: coreSettings.parse({}),
    log,
    clock,
    errors: coreErrors,
    isClosing: () => false,
    version: "0.0.0",
    mark: createPersonMark(createTestSystem()),
  })
  const send = async (body: object, path = "/api/whatsapp/send"): Promise<unknown> => {
    const headers = { "content-type": "application/json" }
    const answer = await http.fetch(
      new Request(`http://localhost${path}`, { method: "POST", headers, body: JSON.stringify(body) }),
    )
    await answer.text()
    return log.lines.at(-1)?.fields.person
  }
  return { http, log, send }
}
const refused = { companyId: "a", message: "" }

describe("The line of a request", () => {
  it("has the template of its path, and nothing that a caller wrote but its company and its id", async () => {
    const house = createHouse()
    await house.call("GET", "/api/whatsapp/metrics/salon?canary=79001234567", undefined, {
      "x-api-key": "admin",
      "user-agent": "canary",
      cookie: "canary=1",
      "x-request-id": "mine-1",
    })
    await house.call("GET", "/api/whatsapp/nowhere/canary")
    expect(house.log.lines.map(({ message, fields }) => [message, fields])).toEqual([
      [
        "Request let in",
        { requestId: "mine-1", method: "GET", path: "/api/whatsapp/metrics/{companyId}", company: "salon" },
      ],
      [
        "Request",
        {
          requestId: "mine-1",
          method: "GET",
          path: "/api/whatsapp/metrics/{companyId}",
          status: 200,
          ms: 0,
          company: "salon",
        },
      ],
      ["Request", expect.objectContaining({ path: "(unknown)", status: 404 })],
    ])
    expect(house.log.text()).not.toMatch(/canary|7900/)
  })

  it("has a mark for a refused recipient: the same for any spelling of the number, another for another", async () => {
    const { send, log } = marking()
    const mark = await send({ ...refused, phone: "79001234567" })
    expect(mark).toMatch(/^[0-9a-f]{12}$/)
    expect(await send({ ...refused, phone: "+7 (900) 123-45-67" })).toBe(mark)
    expect(await send({ ...refused, phone: "", to: "79001234567@s.whatsapp.net" })).toBe(mark)
    expect(await send({ ...refused, phone: "79001234568" })).not.toBe(mark)
    expect(log.text()).not.toContain("7900")
  })

  it("cannot be joined with those of another process", async () => {
    const marks = await Promise.all(
      [marking(), marking()].map(({ send }) => send({ ...refused, phone: "79001234567" })),
    )
    expect(marks[0]).not.toBe(marks[1])
  })

  it.each([
    ["a message that was taken", { companyId: "a", phone: "79001234567", message: "Hi" }],
    ["what is no number", { ...refused, phone: "call me" }],
    ["a list", { ...refused, phone: ["79001234567"] }],
    ["a number without end", { ...refused, phone: "7".repeat(1_000) }],
    ["no person at all", refused],
  ])("has none for %s", async (_, body) => expect(await marking().send(body)).toBeUndefined())
})

describe("An answer that breaks off", () => {
  let server: Listener | undefined
  afterEach(async () => {
    vi.restoreAllMocks()
    await server?.close()
  })

  it("ends its connection, so that nobody takes a part for the whole, and is told of in the log alone", async () => {
    const print = (["log", "info", "warn", "error"] as const).map((method) => vi.spyOn(console, method))
    let pulled = 0
    const broken = defineRoute(
      {
        method: "get",
        path: "/api/whatsapp/export",
        scope: "read",
        company: "none",
        summary: "Export",
        tag: "Companies",
        responses: { 200: { description: "Lines" } },
      },
      () =>
        new Response(
          new ReadableStream({
            pull(controller) {
              if (pulled++ < 3) controller.enqueue(new TextEncoder().encode("line\n"))
              else controller.error(new Error("cannot read 79001234567"))
            },
          }),
          { headers: { "content-type": "application/x-ndjson" } },
        ),
    )
    const { http, log } = marking([broken])
    server = await listenNode({ host: "127.0.0.1", port: 0, fetch: http.fetch })
    const answer = await fetch(`${server.url}/api/whatsapp/export`)
    expect(answer.status).toBe(200)
    await expect(answer.text()).rejects.toThrow()
    const line = await until("it is logged", 5_000, async () => log.lines.find(({ level }) => level === "warn"))
    expect(line).toMatchObject({ message: "An answer broke off", fields: { path: "/api/whatsapp/export" } })
    for (const spy of print) expect(spy).not.toHaveBeenCalled()
  })
})
