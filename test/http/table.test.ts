import { z } from "@hono/zod-openapi"
import { describe, expect, it } from "vitest"
import { coreErrors } from "../../core/errors.ts"
import { createHttp } from "../../core/http/app.ts"
import { routeProblems } from "../../core/http/table.ts"
import { type ApiRoute, defineRoute, type RouteSpec } from "../../core/route.ts"
import { coreSettings } from "../../core/settings.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog } from "../support/log.ts"
import { owned, sampleRoutes } from "./harness.ts"

const route = (more: Partial<RouteSpec>): ApiRoute =>
  defineRoute(
    { method: "get", path: "/a", scope: "read", company: "none", summary: "", tag: "", responses: {}, ...more },
    () => ({}),
  )

describe("The start refuses", () => {
  it("a route without a scope", () => {
    const { scope, ...bare } = route({}).spec
    const [problem] = routeProblems(owned([{ spec: bare as RouteSpec, handle: () => ({}) }], "shop"))
    expect(problem).toContain("shop: GET /a: a route names the scope it needs")
    expect(scope).toBe("read")
  })

  it("two routes on one method and path, naming both owners, whatever the parameters are called", () => {
    const routes = [...owned([route({ path: "/a/{x}" })], "one"), ...owned([route({ path: "/a/{y}" })], "two")]
    expect(routeProblems(routes)).toEqual(["two: GET /a/{y}: one has this method and path already"])
    expect(routeProblems(owned([route({}), route({ method: "post" })]))).toEqual([])
  })

  it("odd paths and methods, and companies that cannot be where they are looked for", () => {
    for (const path of ["a", "/a/", "/a/:id", "/a*", "//a", "/{a-b}"]) {
      expect(routeProblems(owned([route({ path })]))).toHaveLength(1)
    }
    expect(routeProblems(owned([route({ method: "all" as "get" })]))).toHaveLength(1)
    expect(routeProblems(owned([route({ company: "path" })]))).toHaveLength(1)
    expect(routeProblems(owned([route({ company: "body" })]))).toHaveLength(1)
  })

  it("a route that names an error nobody declares, and a proxy that is no address", () => {
    const start = (more: Partial<RouteSpec>, trustedProxies: string[]) => () =>
      createHttp({
        routes: owned([route({ body: z.object({}), method: "post", ...more })]),
        hooks: { guard: () => undefined, first: () => undefined },
        settings: { ...coreSettings.parse({}), trustedProxies },
        log: createTestLog(),
        clock: createTestClock(),
        errors: coreErrors,
        isClosing: () => false,
        version: "0",
      })
    expect(start({ errors: ["NO_SUCH_CODE"] }, [])).toThrow("POST /a names the unknown error NO_SUCH_CODE")
    expect(start({}, ["proxy.local"])).toThrow("WHATSAPP_TRUSTED_PROXIES")
    expect(start({}, ["10.0.0.0/33"])).toThrow("WHATSAPP_TRUSTED_PROXIES")
    expect(start({}, ["10.0.0.0/8", "::1"])).not.toThrow()
  })

  it("nothing of the sample", () => {
    expect(routeProblems(owned(sampleRoutes))).toEqual([])
  })
})
