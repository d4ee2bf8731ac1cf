import { z } from "@hono/zod-openapi"
import { success } from "../http/schemas.ts"
import { type ApiRoute, defineRoute } from "../route.ts"
import type { SettingInForce } from "../settings/in-force.ts"

const setting = z.object({
  variable: z.string(),
  value: z.unknown().openapi({ description: "As it was understood; `***` for a secret that is set, null for none" }),
  source: z.enum(["environment", ".env", "config file", "default"]),
  owner: z.string().openapi({ description: "Who declares it", example: "plugin api-keys" }),
})

/** What the server was started with. */
export function settingsRoute(inForce: readonly SettingInForce[]): ApiRoute {
  return defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/settings",
      scope: "operator",
      company: "none",
      summary: "The settings in force",
      description: "Secrets are never shown, only whether they are set.",
      tag: "Server",
      responses: { 200: { description: "Every setting", schema: success(z.array(setting)) } },
    },
    () => ({ success: true, data: inForce }),
  )
}
