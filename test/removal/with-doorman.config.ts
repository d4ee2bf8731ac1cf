import standard from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import { definePlugin } from "../../core/plugin.ts"

/** The server as it is, with somebody who lets callers in where no other plugin does. */
const doorman = definePlugin({
  name: "doorman",
  description: "Lets everybody in",
  setup({ on }) {
    on("request:identify", () => ({
      kind: "admin",
      scopes: new Set(["send", "read", "session", "admin", "operator"] as const),
    }))
  },
})

export default defineConfig({ ...standard, plugins: [...standard.plugins, doorman] })
