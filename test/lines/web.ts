import { coreErrors } from "../../core/errors.ts"
import { createHttp, type Http } from "../../core/http/app.ts"
import type { OwnedRoute } from "../../core/http/table.ts"
import { lineRoutes } from "../../core/routes/lines.ts"
import type { Principal, Scope } from "../../core/types.ts"
import { type House, type HouseOptions, openHouse, openStoredHouse } from "./house.ts"

/** The routes of the lines, served without a socket. */
export interface Web {
  readonly house: House
  readonly http: Http
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** As `call`, with the answer as it came. */
  fetch(
    method: string,
    path: string,
    options?: { body?: unknown; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // Tests read whatever a route answers.
  readonly json: Record<string, never> & { data: Record<string, unknown>; error: { code: string; details?: unknown } }
}

const scopes = (...names: Scope[]): ReadonlySet<Scope> => new Set(names)

/** Keys that tests may use; without one a call is the admin's. */
export const keys: Readonly<Record<string, Principal>> = {
  admin: { kind: "admin", scopes: scopes("send", "read", "session", "admin", "operator") },
  "acme-all": { kind: "company", company: "acme", scopes: scopes("send", "read", "session", "admin") },
  "acme-read": { kind: "company", company: "acme", scopes: scopes("read") },
}

export function openWeb(options: HouseOptions = {}): Web {
  return webOf(openHouse(guarded(options)))
}

/** As `openWeb`, with real stores in memory that outlive its processes. */
export async function openStoredWeb(options: HouseOptions & { readonly stores: readonly string[] }): Promise<Web> {
  return webOf(await openStoredHouse({ ...guarded(options), stores: options.stores }))
}

function guarded(options: HouseOptions): HouseOptions {
  return {
    ...options,
    hooks: (hooks) => {
      hooks.add("keys", "request:identify", ({ headers }) => keys[headers.get("x-api-key") ?? "admin"])
      options.hooks?.(hooks)
    },
  }
}

/** The routes of a house, and those of its plugins. */
export function webOf(house: House, more: readonly OwnedRoute[] = []): Web {
  const http = createHttp({
    routes: [...lineRoutes(house.lines, house.clock).map((route) => ({ owner: "core", route })), ...more],
    hooks: house.hooks,
    settings: house.settings,
    log: house.log,
    clock: house.clock,
    errors: coreErrors,
    isClosing: () => false,
    version: "test",
  })
  const fetch: Web["fetch"] = (method, path, { body, headers = {}, signal } = {}) =>
    http.fetch(
      new Request(`http://localhost/api/whatsapp${path}`, {
        method,
        headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        ...(signal === undefined ? {} : { signal }),
      }),
    )
  return {
    house,
    http,
    fetch,
    async call(method, path, body, headers = {}) {
      const response = await fetch(method, path, { body, headers })
      return { status: response.status, headers: response.headers, json: (await response.json()) as Answer["json"] }
    },
  }
}
