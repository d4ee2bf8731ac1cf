import { z } from "@hono/zod-openapi"
import type { NotYet } from "../core/config.ts"
import { bool, count, share } from "../core/settings/fields.ts"
import type { EnvMap } from "../core/plugin.ts"

/**
 * Variables of features that are not built yet. They are known and checked, so that a setup written for the whole is
 * understood; to set one is a warning, or stops the start where to ignore it would be less safe than what was asked for.
 * A feature that gets built takes its lines from here into its own folder.
 */

const url = z.url({ protocol: /^https?$/, error: "expected an http or https URL" })

const config = z.object({
  isolateAuth: bool.default(true).describe("Each company its own WhatsApp login"),
  alertingEnabled: bool.default(false).describe("Send alerts"),
  alertWebhook: url.optional().describe("Where alerts are sent"),
  alertErrorRate: share.default(0.1).describe("Share of errors that raises an alert"),
  alertDisconnectRate: share.default(0.2).describe("Share of disconnections that raises an alert"),
  alertMemoryMb: count.default(500).describe("Resident memory that raises an alert (MB)"),
  mediaLimit: count.default(67_108_864).describe("Largest attachment (bytes)"),
})

const env = {
  WHATSAPP_ISOLATE_AUTH: "isolateAuth",
  WHATSAPP_ALERTING_ENABLED: "alertingEnabled",
  WHATSAPP_ALERT_WEBHOOK: "alertWebhook",
  WHATSAPP_ALERT_ERROR_RATE: "alertErrorRate",
  WHATSAPP_ALERT_DISCONNECT_RATE: "alertDisconnectRate",
  WHATSAPP_ALERT_MEMORY_MB: "alertMemoryMb",
  WHATSAPP_MEDIA_LIMIT: "mediaLimit",
} as const satisfies EnvMap<typeof config>

export const notYet: NotYet = {
  config,
  env,
  unsafe: [] satisfies (keyof typeof env)[],
  kept: ["WHATSAPP_ISOLATE_AUTH", "WHATSAPP_ALERTING_ENABLED"] satisfies (keyof typeof env)[],
}
