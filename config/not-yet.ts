import { z } from "@hono/zod-openapi"
import type { NotYet } from "../core/config.ts"
import { bool, count } from "../core/settings/fields.ts"
import type { EnvMap } from "../core/plugin.ts"

/**
 * Variables of features that are not built yet. They are known and checked, so that a setup written for the whole is
 * understood; to set one is a warning, or stops the start where to ignore it would be less safe than what was asked for.
 * A feature that gets built takes its lines from here into its own folder.
 */

const config = z.object({
  isolateAuth: bool.default(true).describe("Each company its own WhatsApp login"),
  mediaLimit: count.default(67_108_864).describe("Largest attachment (bytes)"),
})

const env = {
  WHATSAPP_ISOLATE_AUTH: "isolateAuth",
  WHATSAPP_MEDIA_LIMIT: "mediaLimit",
} as const satisfies EnvMap<typeof config>

export const notYet: NotYet = {
  config,
  env,
  unsafe: [] satisfies (keyof typeof env)[],
  kept: ["WHATSAPP_ISOLATE_AUTH"] satisfies (keyof typeof env)[],
}
