import { z } from "@hono/zod-openapi"
import { success } from "../http/schemas.ts"
import type { OwnedRoute } from "../http/table.ts"
import type { HookListing } from "../loading/hook-entries.ts"
import type { Plugin } from "../plugin.ts"
import { type ApiRoute, defineRoute } from "../route.ts"

const names = z.array(z.string())
const plugin = z.object({
  name: z.string(),
  description: z.string(),
  hooks: names.openapi({ description: "Stages at which it is asked" }),
  routes: names.openapi({ description: "What it mounts", example: ["GET /api/whatsapp/health"] }),
  provides: names.openapi({ description: "Services that it offers" }),
  needs: names.openapi({ description: "Services without which it does not start" }),
  wants: names.openapi({ description: "Services that it uses where they are" }),
})

export interface Loaded {
  /** In the order in which each stage asks them. */
  readonly plugins: readonly Plugin[]
  readonly hooks: { list(): readonly HookListing[] }
  readonly routes: readonly OwnedRoute[]
}

/** What the server is made of. */
export function pluginsRoute({ plugins, hooks, routes }: Loaded): ApiRoute {
  return defineRoute(
    {
      method: "get",
      path: "/api/whatsapp/plugins",
      scope: "operator",
      company: "none",
      summary: "The plugins in force",
      description: "In the order in which each stage asks them.",
      tag: "Server",
      responses: { 200: { description: "Every plugin", schema: success(z.array(plugin)) } },
    },
    () => {
      const stages = hooks.list()
      const data = plugins.map(({ name, description, provides = [], needs = [], wants = [] }) => ({
        name,
        description,
        hooks: stages.filter((stage) => stage.plugins.includes(name)).map((stage) => stage.name),
        routes: routes
          .filter(({ owner }) => owner === name)
          .map(({ route }) => `${route.spec.method.toUpperCase()} ${route.spec.path}`),
        provides: [...provides],
        needs: [...needs],
        wants: [...wants],
      }))
      return { success: true, data }
    },
  )
}
