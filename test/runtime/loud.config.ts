import standard from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import { definePlugin, z } from "../../core/plugin.ts"

/**
 * The server with a plugin that fails as plugins do: a library is given a text or a number that it cannot read, and its
 * error quotes it. A text that holds `fault-<stage>` makes it fail at that stage.
 */
const brittle = definePlugin({
  name: "brittle",
  description: "Fails at whatever stage a text names",
  config: z.object({ telltale: z.stringbool().default(false).describe("Log texts on purpose") }),
  env: { WHATSAPP_BRITTLE_TELLTALE: "telltale" },
  setup({ on, route, log, config, background }) {
    const textOf = (content: { readonly type: string }): string =>
      "text" in content && typeof content.text === "string" ? content.text : ""
    const fails = (stage: string, text: string): boolean => text.includes(`fault-${stage} `)
    on("message:prepare", (draft) => {
      const text = textOf(draft.content)
      if (fails("prepare", text)) JSON.parse(text)
      return draft
    })
    on("message:validate", async ({ message }) => {
      const text = textOf(message.content)
      const url = fails("validate", text) ? new URL(text) : undefined
      log.debug({ found: url !== undefined }, "Looked for a URL")
    })
    on("message:block", ({ person, message }) => {
      if (message === null || !fails("block", textOf(message.content))) return
      throw Object.assign(new Error(`No session for ${person.phone ?? ""}.0, ${person.phone ?? ""}@s.whatsapp.net`), {
        person,
        data: { message },
      })
    })
    on("message:limit", ({ message }) => {
      if (fails("limit", textOf(message.content)))
        throw new Error("outer", { cause: new Error(JSON.stringify(message)) })
    })
    on("message:accepted", ({ message }) => void JSON.parse(message.message ?? ""))
    on("message:sent", async ({ message }) => {
      // Fields that are on no list, and listed ones that are not what the list says.
      const about = { text: message.message, all: { message }, [String(message.phone)]: true, ms: message.phone }
      log.child({ phone: message.phone }).info({ ...about, code: message.phone }, "Told too much")
      Object.assign(about, { url: new URL(message.message ?? "") })
    })
    on("message:received", ({ message }) => {
      if (config.telltale) log.info({}, `Received ${message.message ?? ""}`)
      void Promise.reject(new Error(`Nobody handles ${message.phone ?? ""}@s.whatsapp.net`))
      JSON.parse(message.message ?? "")
    })
    on("plugin:fault", ({ message }) => log.warn({ told: message }, "Heard of a fault"))
    on("health:check", () => {
      throw new Error("redis://canary:canary-health-password@127.0.0.1:1/0 is away")
    })
    background("brittle", () => Promise.reject(new Error("postgres://canary:canary-background-password@127.0.0.1:1")))
    route({
      spec: {
        method: "get",
        path: "/api/whatsapp/brittle",
        scope: "read",
        company: "none",
        summary: "Fails",
        tag: "Brittle",
        responses: { 200: { description: "Never" } },
      },
      handle: ({ request }) => {
        throw Object.assign(
          new Error(`GET ${request.url} failed for ${JSON.stringify(request.headers.get("user-agent"))}`),
          {
            config: { headers: [...request.headers] },
          },
        )
      },
    })
  },
})

export default defineConfig({ ...standard, plugins: [...standard.plugins, brittle] })
