import { definePlugin, z } from "../../core/plugin.ts"
import { createIdentify } from "./identify.ts"
import { createKnownKeys } from "./known-keys.ts"
import { mountKeyRoutes } from "./routes.ts"
import { MOST_KEYS } from "./stored-keys.ts"

const PUBLIC_KEY_LENGTH = 24

export default definePlugin({
  name: "api-keys",
  description:
    "Identifies callers by the admin key or a key of a company; without an admin key, serves this machine too.",
  config: z.object({
    apiKey: z
      .string()
      .regex(/^[\x21-\x7e]+$/, {
        error: "expected visible ASCII characters without spaces, as a header can carry them",
      })
      .optional()
      .describe("The admin key"),
  }),
  env: { WHATSAPP_API_KEY: { key: "apiKey", secret: true } },
  errors: {
    TOO_MANY_KEYS: {
      status: 409,
      message: `This company has ${MOST_KEYS} keys already; revoke one that is not needed`,
    },
  },
  guardsPublicHost: true,

  check({ apiKey }, { loopback }) {
    if (loopback || (apiKey !== undefined && apiKey.length >= PUBLIC_KEY_LENGTH)) return []
    const message = `an address other than loopback in HOST needs an admin key of at least ${PUBLIC_KEY_LENGTH} characters`
    return [{ variable: "WHATSAPP_API_KEY", message }]
  },

  setup(context) {
    const { config, on, log } = context
    if (config.apiKey === undefined) {
      log.info({}, "No WHATSAPP_API_KEY is set: programs on this machine are served, and nobody else without a key")
    }
    const keys = createKnownKeys(context)
    on("request:identify", createIdentify(config.apiKey, keys, context))
    mountKeyRoutes(keys, context)
  },
})
