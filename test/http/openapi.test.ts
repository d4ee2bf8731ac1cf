import { describe, expect, it } from "vitest"
import { coreErrors } from "../../core/errors.ts"
import { describeRoute } from "../../core/http/openapi.ts"
import type { RouteSpec } from "../../core/route.ts"
import { createHouse, sampleRoutes } from "./harness.ts"
import { documentFaults, operationsOf } from "./openapi-rules.ts"

describe("The OpenAPI document", () => {
  const document = createHouse().http.document()

  it("keeps the rules of OpenAPI 3.1", () => {
    expect(documentFaults(document)).toEqual([])
  })

  it("lists exactly the routes that are mounted, both ways", () => {
    const mounted = sampleRoutes.map(({ spec }) => `${spec.method} ${spec.path}`)
    expect(
      operationsOf(document)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(mounted.sort())
  })

  it("says of each route what key it needs and how it can fail", () => {
    const operations = new Map(operationsOf(document).map(({ name, operation }) => [name, operation]))
    const send = operations.get("post /api/whatsapp/send")
    expect(send?.security).toEqual([{ apiKey: [] }, { bearer: [] }])
    expect(send?.description).toContain("`send`")
    expect(send?.requestBody).toMatchObject({ required: true })
    const responses = send?.responses as Record<string, { description: string }>
    expect(Object.keys(responses)).toEqual(["200", "400", "401", "403", "413", "415", "429", "500", "503"])
    expect(responses["400"]?.description).toContain("Company ID is required in multi-tenant mode")
    expect(operations.get("get /open")?.security).toEqual([])
    const initialize = operations.get("post /api/whatsapp/sessions/{companyId}/initialize")
    expect(initialize?.requestBody).toMatchObject({ required: false })
  })

  it("says of a route what plugins may refuse at the stages that its calls pass", () => {
    const [route] = sampleRoutes
    if (route === undefined) throw new Error("No route")
    const stages = ["message:limit"] as const
    const errors = {
      ...coreErrors,
      TOO_MANY: { status: 409, message: "Too many", stage: "message:limit" },
      TOO_RUDE: { status: 409, message: "Too rude", stage: "message:block" },
    }
    const told = (spec: RouteSpec): string => JSON.stringify(describeRoute(spec, errors).responses)
    expect(told({ ...route.spec, stages })).toContain("`TOO_MANY` Too many")
    expect(told({ ...route.spec, stages })).not.toContain("TOO_RUDE")
    expect(told(route.spec)).not.toContain("`TOO_MANY`")
  })

  it("is the same object each time, made once", () => {
    const { http } = createHouse()
    expect(http.document()).toBe(http.document())
  })

  it("is refused by the rules when it is broken", () => {
    const broken = {
      openapi: "3.0.0",
      info: {},
      paths: { "/a/{id}": { get: { responses: {} }, fetch: {} }, b: { get: { parameters: [{ $ref: "#/x" }] } } },
    }
    expect(documentFaults(broken).length).toBeGreaterThan(5)
  })
})
