import { definePlugin, type Principal, z } from "../../core/plugin.ts"
import { createAttempts } from "./attempts.ts"
import { isOwnMachine } from "./loopback.ts"

const PUBLIC_KEY_LENGTH = 24

const scopes: Principal["scopes"] = new Set(["send", "read", "session", "admin", "operator"])
const admin: Principal = { kind: "admin", scopes }
const ownMachine: Principal = { kind: "loopback", scopes }

export default definePlugin({
  name: "api-keys",
  description: "Identifies callers by the admin key; without one, serves this machine alone.",
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
  guardsPublicHost: true,

  check({ apiKey }, { loopback }) {
    if (loopback || (apiKey !== undefined && apiKey.length >= PUBLIC_KEY_LENGTH)) return []
    const message = `an address other than loopback in HOST needs an admin key of at least ${PUBLIC_KEY_LENGTH} characters`
    return [{ variable: "WHATSAPP_API_KEY", message }]
  },

  setup({ config, on, reject, system, clock, log }) {
    if (config.apiKey === undefined) {
      log.info({}, "No WHATSAPP_API_KEY is set: programs on this machine are served, nobody else")
      on("request:identify", (knock) => {
        if (isOwnMachine(knock)) return ownMachine
        return reject("UNAUTHORIZED", {
          message: "Only direct calls from this machine need no key; set WHATSAPP_API_KEY",
        })
      })
      return
    }

    const digest = (key: string): Uint8Array => system.sha256(new TextEncoder().encode(key))
    const expected = digest(config.apiKey)
    const attempts = createAttempts(clock)

    on("request:identify", ({ headers, clientAddress }) => {
      const key = keyIn(headers)
      if (key === undefined) return reject("UNAUTHORIZED")
      // Digests, so that the time says nothing about how much of a key is right, or how long it is.
      if (system.equal(digest(key), expected)) return admin
      const wait = attempts.failed(clientAddress ?? "")
      return wait === undefined ? reject("UNAUTHORIZED") : reject("TOO_MANY_ATTEMPTS", { retryAfter: wait })
    })
  },
})

/** The key as a header carries it. One in a URL is not looked at: URLs end up in logs and histories. */
function keyIn(headers: Headers): string | undefined {
  const given = headers.get("x-api-key")
  if (given !== null) return given
  return /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1]
}
