import { z } from "@hono/zod-openapi"
import { describe, expect, it } from "vitest"
import { defineRoute } from "../../core/route.ts"
import { createHouse } from "./harness.ts"

const path = "/api/whatsapp/things"
const TYPE = "application/x-ndjson"

const things = defineRoute(
  {
    method: "post",
    path,
    scope: "operator",
    company: "none",
    summary: "Things",
    tag: "Things",
    body: z.strictObject({ name: z.string().optional() }),
    rawBody: { type: TYPE, limit: 300 },
    responses: { 200: { description: "Taken" } },
  },
  ({ body, raw }) => ({ success: true, data: { body, raw: raw === undefined ? null : new TextDecoder().decode(raw) } }),
)

describe("A route that takes another type besides JSON", () => {
  const house = createHouse({ settings: { bodyLimit: 200 }, routes: [things] })
  const call = (body: string, headers: Record<string, string>) => house.call("POST", path, body, headers)

  it("gets that as bytes, unread, and JSON as ever", async () => {
    const raw = await call("not JSON\n", { "content-type": `${TYPE}; charset=utf-8` })
    expect(raw.json.data).toEqual({ body: {}, raw: "not JSON\n" })
    const json = await call('{"name":"x"}', { "content-type": "application/json" })
    expect(json.json.data).toEqual({ body: { name: "x" }, raw: null })
    expect((await call('{"odd":1}', { "content-type": "application/json" })).status).toBe(400)
  })

  it("has a limit of its own for it", async () => {
    expect((await call("x".repeat(250), { "content-type": TYPE })).status).toBe(200)
    expect((await call("x".repeat(301), { "content-type": TYPE })).status).toBe(413)
    expect((await call("x".repeat(250), { "content-type": "application/json" })).status).toBe(413)
  })

  it("stands behind the same gate", async () => {
    expect((await call("x", { "content-type": TYPE, "x-api-key": "wrong" })).status).toBe(401)
    expect((await call("x", { "content-type": TYPE, "x-api-key": "reader-a" })).status).toBe(403)
    expect((await call("x", { "content-type": TYPE, "content-encoding": "gzip" })).status).toBe(415)
    expect((await call("x", { "content-type": "text/plain" })).status).toBe(415)
  })

  it("may take several, each as the bytes it came in", async () => {
    const spec = { ...things.spec, rawBody: { type: ["text/plain", "text/csv"] } } as const
    const several = createHouse({ routes: [{ ...things, spec }] })
    for (const type of spec.rawBody.type) {
      const taken = await several.call("POST", path, "a line", { "content-type": type })
      expect(taken.json.data).toEqual({ body: {}, raw: "a line" })
    }
    expect((await several.call("POST", path, "a line", { "content-type": TYPE })).status).toBe(415)
  })
})
