import { capital } from "./client-types.ts"

/**
 * What the client calls each route, as `group.method`, or as `method` of the client itself. A route that is not in here
 * is called by its method and path.
 */

const api = (path: string): string => path.replace(/ /, " /api/whatsapp")
const names = (table: Readonly<Record<string, string>>): readonly (readonly [string, string])[] =>
  Object.entries(table).map(([route, name]) => [api(route), name])

export const clientNames: ReadonlyMap<string, string> = new Map([
  ...names({
    "POST /send": "messages.sendShort",
    "POST /send-media": "messages.sendMedia",
    "POST /companies/{companyId}/messages": "messages.send",
    "GET /messages/{companyId}": "messages.list",
    "GET /messages/{companyId}/{messageId}": "messages.get",
    "GET /messages/{companyId}/{messageId}/media": "messages.media",
    "POST /messages/{companyId}/{messageId}/read": "messages.markRead",

    "POST /send/batch": "batches.send",
    "GET /send/batch/{batchId}": "batches.get",
    "DELETE /send/batch/{batchId}": "batches.stop",

    "POST /sessions/{companyId}/initialize": "sessions.initialize",
    "GET /sessions": "sessions.list",
    "GET /sessions/{companyId}": "sessions.get",
    "GET /sessions/{companyId}/status": "sessions.status",
    "GET /sessions/{companyId}/qr": "sessions.qr",
    "POST /sessions/{companyId}/pairing-code": "sessions.pairingCode",
    "POST /sessions/{companyId}/disconnect": "sessions.disconnect",
    "POST /sessions/{companyId}/restart": "sessions.restart",
    "POST /sessions/{companyId}/logout": "sessions.logout",
    "DELETE /sessions/{companyId}": "sessions.delete",
    "GET /sessions/{companyId}/events": "sessions.events",
    "GET /events/{companyId}": "events.list",

    "GET /companies": "companies.list",
    "GET /companies/{companyId}": "companies.get",
    "PUT /companies/{companyId}": "companies.put",
    "DELETE /companies/{companyId}": "companies.delete",
    "GET /companies/{companyId}/export": "companies.export",
    "POST /companies/{companyId}/import": "companies.import",

    "POST /companies/{companyId}/keys": "keys.create",
    "GET /companies/{companyId}/keys": "keys.list",
    "DELETE /companies/{companyId}/keys/{keyId}": "keys.revoke",

    "GET /companies/{companyId}/blocklist": "blocklist.list",
    "POST /companies/{companyId}/blocklist": "blocklist.add",
    "POST /companies/{companyId}/blocklist/import": "blocklist.import",
    "DELETE /companies/{companyId}/blocklist/{phone}": "blocklist.remove",

    "POST /companies/{companyId}/webhook-secret": "webhooks.makeInboundSecret",
    "GET /companies/{companyId}/webhooks": "webhooks.list",
    "POST /companies/{companyId}/webhooks": "webhooks.create",
    "PATCH /companies/{companyId}/webhooks/{id}": "webhooks.update",
    "DELETE /companies/{companyId}/webhooks/{id}": "webhooks.delete",
    "POST /companies/{companyId}/webhooks/{id}/test": "webhooks.test",
    "POST /companies/{companyId}/webhooks/{id}/rotate-secret": "webhooks.rotateSecret",
    "GET /companies/{companyId}/webhooks/deliveries": "webhooks.deliveries",
    "POST /companies/{companyId}/webhooks/deliveries/{id}/replay": "webhooks.replayDelivery",
    "POST /companies/{companyId}/webhooks/replay": "webhooks.replay",

    "GET /contacts/{companyId}/check": "contacts.check",
    "POST /presence/{companyId}": "presence.set",

    "GET /metrics": "metrics.all",
    "GET /metrics/{companyId}": "metrics.company",
    "GET /metrics/companies/all": "metrics.companies",
    "GET /metrics/performance": "metrics.performance",
    "GET /metrics/timeseries": "metrics.timeseries",
    "GET /metrics/rate": "metrics.rate",
    "GET /metrics/alerts": "metrics.alerts",
    "GET /metrics/alerts/history": "metrics.alertHistory",
    "GET /metrics/export": "metrics.export",
    "POST /metrics/reset": "metrics.reset",

    "GET /health": "health.get",
    "GET /health/metrics": "health.metrics",
    "POST /diagnose": "diagnose",

    "POST /encryption/reseal": "encryption.reseal",
    "GET /encryption/reseal": "encryption.progress",
    "GET /settings": "server.settings",
    "GET /plugins": "server.plugins",
  }),
  ["GET /openapi.json", "server.openapi"],
  ["GET /healthz", "health.alive"],
  ["GET /readyz", "health.ready"],
  ["GET /metrics", "metrics.prometheus"],
])

/** Routes that are none of the client's: pages for people, and calls whose key is a signature. */
export const notForClient: ReadonlySet<string> = new Set([
  "GET /docs",
  "GET /dashboard",
  "POST /api/whatsapp/webhooks/{companyId}",
])

/** POSTs that come to the same when they are made twice. */
export const repeatable: ReadonlySet<string> = new Set(
  [
    "POST /sessions/{companyId}/initialize",
    "POST /sessions/{companyId}/disconnect",
    "POST /companies/{companyId}/blocklist",
    "POST /companies/{companyId}/blocklist/import",
    "POST /messages/{companyId}/{messageId}/read",
    "POST /presence/{companyId}",
    "POST /diagnose",
    "POST /encryption/reseal",
  ].map(api),
)

/** The name of a route that no table has: `GET /api/x/{id}/y` is `x.getY`. */
export function nameByPath(route: string): string {
  const [method = "", path = ""] = route.split(" ")
  const words: readonly string[] =
    path
      .replace(/^\/api\/(whatsapp\/)?/, "/")
      .replaceAll(/\{\w+\}/g, "")
      .match(/[A-Za-z0-9]+/g) ?? []
  const [group = "server", ...rest] = words
  return `${group}.${method.toLowerCase()}${rest.map(capital).join("")}`
}
