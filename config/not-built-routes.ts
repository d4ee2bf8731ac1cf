import type { NotBuiltRoute } from "../core/route.ts"

/**
 * Routes that callers are promised and that nothing serves yet. Each answers 501 NOT_SUPPORTED to a caller who would be
 * allowed; the README lists them. Whoever builds one takes it out of here. (/send-media is mounted, so that it names what
 * is wrong with a call; what is right is 501.)
 */

const api = (
  method: NotBuiltRoute["method"],
  path: string,
  scope: NotBuiltRoute["scope"],
  company: NotBuiltRoute["company"] = path.includes("{companyId}") ? "path" : "none",
): NotBuiltRoute => ({ method, path: `/api/whatsapp${path}`, scope, company })

export const notBuiltRoutes: readonly NotBuiltRoute[] = [
  api("post", "/send-media", "send", "body"),
  api("get", "/messages/{companyId}/{messageId}/media", "read"),
  api("post", "/messages/{companyId}/{messageId}/read", "send"),

  api("get", "/companies/{companyId}/webhooks", "admin"),
  api("post", "/companies/{companyId}/webhooks", "admin"),
  api("patch", "/companies/{companyId}/webhooks/{id}", "admin"),
  api("delete", "/companies/{companyId}/webhooks/{id}", "admin"),
  api("post", "/companies/{companyId}/webhooks/{id}/test", "admin"),
  api("post", "/companies/{companyId}/webhooks/{id}/rotate-secret", "admin"),
  api("get", "/companies/{companyId}/webhooks/deliveries", "admin"),
  api("post", "/companies/{companyId}/webhooks/deliveries/{id}/replay", "admin"),
  api("post", "/companies/{companyId}/webhooks/replay", "admin"),

  { method: "get", path: "/dashboard", scope: "operator", company: "none" },
]
