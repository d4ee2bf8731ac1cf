import { z } from "@hono/zod-openapi"
import { type CoreCode, coreErrors } from "../../core/errors.ts"
import { createHooks, type HookRegistry } from "../../core/hooks.ts"
import { createHttp, type Http } from "../../core/http/app.ts"
import { companyIdField, companyParams, pageQuery } from "../../core/http/schemas.ts"
import type { OwnedRoute } from "../../core/http/table.ts"
import { refuse } from "../../core/refusal.ts"
import { type ApiRoute, defineRoute, type NotBuiltRoute } from "../../core/route.ts"
import { type CoreSettings, coreSettings } from "../../core/settings.ts"
import type { Principal, Scope } from "../../core/types.ts"
import { createTestClock, type TestClock } from "../support/clock.ts"
import { createTestLog, type TestLog } from "../support/log.ts"

export const everyScope: ReadonlySet<Scope> = new Set(["send", "read", "session", "admin", "operator"])

/** Keys the test house knows: the admin's, one company's, and one that may only read. */
export const principals: Readonly<Record<string, Principal>> = {
  admin: { kind: "admin", scopes: everyScope },
  "company-a": { kind: "company", company: "a", scopes: new Set(["send", "read", "session", "admin"]) },
  "reader-a": { kind: "company", company: "a", scopes: new Set(["read"]) },
}

export interface House {
  readonly http: Http
  readonly hooks: HookRegistry
  readonly clock: TestClock
  readonly log: TestLog
  closing: boolean
  /** Sends a request with the admin key, unless `headers` names another; a body that is no text is sent as JSON. */
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // Tests read whatever a route answers.
  readonly json: Record<string, unknown> & { readonly error: ErrorPart; readonly data: Record<string, unknown> }
}

export interface ErrorPart {
  readonly code: CoreCode
  readonly message: string
  readonly details: readonly { readonly path: string; readonly code: string; readonly message: string }[]
  readonly isRetryable: boolean
  readonly retryAfter: number
}

/** Routes of each kind that the house has. */
export const sampleRoutes: readonly ApiRoute[] = [
  defineRoute(
    {
      method: "post",
      path: "/api/whatsapp/send",
      scope: "send",
      company: "body",
      summary: "Send",
      tag: "Messages",
      body: z.object({ companyId: companyIdField, phone: z.string(), message: z.string().min(1) }),
      responses: { 200: { description: "Sent" } },
    },
    ({ call, body }) => ({ success: true, data: { company: call.company, length: body.message.length } }),
  ),
  defineRoute(
    {
      method: "post",
      path: "/api/whatsapp/sessions/{companyId}/initialize",
      scope: "session",
      company: "path",
      summary: "Initialize",
      tag: "Sessions",
      params: companyParams,
      body: z.object({ usePairingCode: z.boolean().optional(), phoneNumber: z.string().optional() }),
      responses: { 200: { description: "Started" } },
    },
    ({ call, body }) => ({ success: true, data: { company: call.company, body } }),
  ),
  defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/sessions",
      scope: "read",
      company: "none",
      summary: "Sessions",
      tag: "Sessions",
      query: pageQuery,
      responses: { 200: { description: "Sessions" } },
    },
    ({ query, principal }) => ({ success: true, data: { query, kind: principal.kind } }),
  ),
  defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/metrics/{companyId}",
      scope: "read",
      company: "path",
      summary: "Metrics",
      tag: "Metrics",
      params: companyParams,
      responses: { 200: { description: "Metrics" } },
    },
    ({ call }) => ({ success: true, data: { company: call.company } }),
  ),
  defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/metrics/rate",
      scope: "operator",
      company: "none",
      summary: "Rate",
      tag: "Metrics",
      responses: { 200: { description: "Rate" } },
    },
    () => ({ success: true, data: "rate" }),
  ),
  defineRoute(
    {
      method: "get",
      path: "/open",
      scope: "none",
      company: "none",
      summary: "Open",
      tag: "Open",
      responses: { 200: { description: "Open" } },
    },
    ({ principal }) => ({ kind: principal.kind }),
  ),
]

export function owned(routes: readonly ApiRoute[], owner = "core"): OwnedRoute[] {
  return routes.map((route) => ({ owner, route }))
}

export interface HouseOptions {
  readonly routes?: readonly ApiRoute[]
  readonly notBuilt?: readonly NotBuiltRoute[]
  readonly settings?: Partial<CoreSettings>
  /** Adds handlers before the hooks freeze. */
  readonly prepare?: (hooks: HookRegistry) => void
  readonly identify?: boolean
}

/** The HTTP face with real hooks, the sample routes, and keys that are the names of `principals`. */
export function createHouse(options: HouseOptions = {}): House {
  const clock = createTestClock()
  const log = createTestLog()
  const hooks = createHooks({ clock, log })
  if (options.identify !== false) {
    hooks.add("keys", "request:identify", ({ headers }) => principals[headers.get("x-api-key") ?? ""])
  }
  hooks.add("pattern", "company:validate", ({ company }) =>
    /^[a-zA-Z0-9_-]+$/.test(company) ? undefined : refuse("INVALID_COMPANY_ID"),
  )
  options.prepare?.(hooks)
  hooks.freeze()
  const http = createHttp({
    routes: owned(options.routes ?? sampleRoutes),
    ...(options.notBuilt === undefined ? {} : { notBuilt: options.notBuilt }),
    hooks,
    settings: { ...coreSettings.parse({}), ...options.settings },
    log,
    clock,
    errors: coreErrors,
    isClosing: () => house.closing,
    version: "0.0.0",
  })
  const house: House = {
    http,
    hooks,
    clock,
    log,
    closing: false,
    async call(method, path, body, headers = {}) {
      const text = body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body)
      const request = new Request(`http://localhost${path}`, {
        method,
        headers: {
          "x-api-key": "admin",
          ...(text === undefined
            ? {}
            : { "content-type": "application/json", "content-length": String(byteLength(text)) }),
          ...headers,
        },
        ...(text === undefined ? {} : { body: text }),
      })
      return read(await http.fetch(request, { remoteAddress: "127.0.0.1" }))
    },
  }
  return house
}

const byteLength = (text: string): number => new TextEncoder().encode(text).byteLength

export async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const json = text !== "" && response.headers.get("content-type")?.includes("/json") ? JSON.parse(text) : {}
  return { status: response.status, headers: response.headers, text, json }
}
