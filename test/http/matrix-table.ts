/**
 * Who may call what, as callers are promised it. Written down by hand and on purpose not derived from the routes: a route
 * that is not in here, or that the house would open to somebody else, is a failure.
 */

export type Need = "nobody" | "send" | "read" | "session" | "admin" | "operator"

const api = (need: Need, ...routes: readonly string[]): readonly (readonly [string, Need])[] =>
  routes.map((route) => {
    const [method = "", path = ""] = route.split(" ")
    return [`${method} /api/whatsapp${path}`, need]
  })

/** By method and path. */
export const needs: ReadonlyMap<string, Need> = new Map<string, Need>([
  ["GET /healthz", "nobody"],
  ["GET /readyz", "nobody"],
  ["GET /openapi.json", "nobody"],
  ["GET /docs", "nobody"],
  ["GET /docs/{file}", "nobody"],
  ["GET /metrics", "operator"],
  ["GET /dashboard", "operator"],

  // The signature is the key.
  ...api("nobody", "POST /webhooks/{companyId}"),

  ...api(
    "send",
    "POST /send",
    "POST /send-media",
    "POST /companies/{companyId}/messages",
    "POST /send/batch",
    "GET /send/batch/{batchId}",
    "DELETE /send/batch/{batchId}",
    "POST /messages/{companyId}/{messageId}/read",
    "POST /presence/{companyId}",
    "GET /contacts/{companyId}/check",
    "POST /diagnose",
  ),
  ...api(
    "read",
    "GET /health",
    "GET /sessions",
    "GET /sessions/{companyId}",
    "GET /sessions/{companyId}/status",
    "GET /sessions/{companyId}/events",
    "GET /events/{companyId}",
    "GET /messages/{companyId}",
    "GET /messages/{companyId}/{messageId}",
    "GET /messages/{companyId}/{messageId}/media",
    "GET /companies",
    "GET /companies/{companyId}",
    "GET /metrics/{companyId}",
    "GET /metrics/companies/all",
  ),
  ...api(
    "session",
    "POST /sessions/{companyId}/initialize",
    "GET /sessions/{companyId}/qr",
    "POST /sessions/{companyId}/pairing-code",
    "POST /sessions/{companyId}/disconnect",
    "POST /sessions/{companyId}/restart",
    "POST /sessions/{companyId}/logout",
    "DELETE /sessions/{companyId}",
  ),
  ...api(
    "admin",
    "PUT /companies/{companyId}",
    "DELETE /companies/{companyId}",
    "GET /companies/{companyId}/export",
    "GET /companies/{companyId}/keys",
    "POST /companies/{companyId}/keys",
    "DELETE /companies/{companyId}/keys/{keyId}",
    "GET /companies/{companyId}/blocklist",
    "POST /companies/{companyId}/blocklist",
    "POST /companies/{companyId}/blocklist/import",
    "DELETE /companies/{companyId}/blocklist/{phone}",
    "POST /companies/{companyId}/webhook-secret",
    "GET /companies/{companyId}/webhooks",
    "POST /companies/{companyId}/webhooks",
    "PATCH /companies/{companyId}/webhooks/{id}",
    "DELETE /companies/{companyId}/webhooks/{id}",
    "POST /companies/{companyId}/webhooks/{id}/test",
    "POST /companies/{companyId}/webhooks/{id}/rotate-secret",
    "GET /companies/{companyId}/webhooks/deliveries",
    "POST /companies/{companyId}/webhooks/deliveries/{id}/replay",
    "POST /companies/{companyId}/webhooks/replay",
  ),
  ...api(
    "operator",
    "POST /companies/{companyId}/import",
    "GET /settings",
    "GET /plugins",
    "POST /encryption/reseal",
    "GET /encryption/reseal",
    "GET /metrics",
    "GET /metrics/performance",
    "GET /metrics/timeseries",
    "GET /metrics/rate",
    "GET /metrics/alerts",
    "GET /metrics/alerts/history",
    "GET /metrics/export",
    "POST /metrics/reset",
    "GET /health/metrics",
  ),
])

/** Routes whose company stands in the body; of all others, those with `{companyId}` have it in the path. */
export const namedInBody: ReadonlySet<string> = new Set([
  "POST /api/whatsapp/send",
  "POST /api/whatsapp/send-media",
  "POST /api/whatsapp/send/batch",
  "POST /api/whatsapp/diagnose",
])

/** What each kind of caller may do. */
export const callers = {
  "no key": [],
  "a garbled key": [],
  "a wrong key": [],
  "an unknown key": [],
  "an expired key": [],
  "a revoked key": [],
  "a key to send": ["send"],
  "a key to read": ["read"],
  "a key for the session": ["session"],
  "a key to administrate": ["send", "read", "session", "admin"],
  "the admin key": ["send", "read", "session", "admin", "operator"],
  "this machine without a key": ["send", "read", "session", "admin", "operator"],
} as const satisfies Readonly<Record<string, readonly Need[]>>

export type Caller = keyof typeof callers

export type Ruling = "open" | "401 UNAUTHORIZED" | "403 FORBIDDEN"

/** What callers are promised. `own`: the call names no other company than the key's. */
export function ruling(caller: Caller, need: Need, own: boolean): Ruling {
  if (need === "nobody") return "open"
  const may: readonly Need[] = callers[caller]
  if (may.length === 0) return "401 UNAUTHORIZED"
  if (may.includes("operator")) return "open"
  return own && may.includes(need) ? "open" : "403 FORBIDDEN"
}
