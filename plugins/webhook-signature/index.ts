import { bool, definePlugin, type SettingProblem, type Verified, z } from "../../core/plugin.ts"
import { toHex } from "./base64.ts"
import { rotationRoute } from "./rotation.ts"
import {
  type CompanySecret,
  companySecret,
  isSecret,
  LEAST_BYTES,
  newestOf,
  RULE,
  secretsInForce,
  strengthOf,
} from "./secrets.ts"
import { readHub, readStandard, signStandard, verifyHub, verifyStandard } from "./signatures.ts"

/** How far a time stamp may be from the clock, in seconds; what the libraries of Standard Webhooks take. */
const TOLERANCE_S = 300
/** Beyond the time in which a stamp is good: a sender that missed the answer comes again much later, with a new one. */
const REMEMBER_MS = 24 * 60 * 60 * 1_000
const KEY_BYTES = 32

const secret = z.string({ error: RULE }).refine(isSecret, { error: RULE }).optional()

/** For plugins that send: whether there is a secret of the server's to sign with. */
export interface Signing {
  readonly ofServer: boolean
}

export default definePlugin({
  name: "webhook-signature",
  description: "Lets in the calls of other systems that are signed with a company's secret, and signs what goes out.",
  config: z.object({
    validate: bool.default(true).describe("Validate the signatures of inbound webhooks"),
    secret: secret.describe("Secret of inbound webhooks, for companies without one of their own"),
    secretOld: secret.describe("The secret before it, which stays valid for as long as it stands here"),
  }),
  env: {
    WHATSAPP_VALIDATE_WEBHOOKS: "validate",
    WHATSAPP_WEBHOOK_SECRET: { key: "secret", secret: true, refuseEmpty: true },
    WHATSAPP_WEBHOOK_SECRET_OLD: { key: "secretOld", secret: true, refuseEmpty: true },
  },
  provides: ["signing"],
  companySettings: {
    webhookSecret: {
      schema: companySecret,
      secret: true,
      description:
        "The secret with which other systems sign their calls for this company, instead of the server's; a list of two while it changes, the newest first",
    },
  },

  check({ secret: newest, secretOld }) {
    const problems: SettingProblem[] = []
    if (newest === undefined && secretOld !== undefined) {
      problems.push({
        variable: "WHATSAPP_WEBHOOK_SECRET_OLD",
        message: "needs WHATSAPP_WEBHOOK_SECRET, which follows it",
      })
    }
    for (const [variable, text] of [
      ["WHATSAPP_WEBHOOK_SECRET", newest],
      ["WHATSAPP_WEBHOOK_SECRET_OLD", secretOld],
    ] as const) {
      if (text === undefined || strengthOf(text) >= LEAST_BYTES) continue
      const message = `has fewer than ${LEAST_BYTES} bytes and may be guessed; make one with: openssl rand -hex 32`
      problems.push({ variable, message, severity: "warning" })
    }
    return problems
  },

  setup({ config, on, reject, route, provide, companies, system, clock, log }) {
    const server = [config.secret, config.secretOld].filter((text) => text !== undefined)
    const decoy = system.randomBytes(KEY_BYTES)
    /** Settings that have been looked at; one object stays the same until one of them changes. */
    const looked = new WeakSet<object>()
    if (config.validate && server.length === 0) {
      log.info(
        {},
        "No WHATSAPP_WEBHOOK_SECRET is set: only companies with a webhookSecret of their own are called by other systems",
      )
    }
    if (!config.validate) {
      log.warn({}, "WHATSAPP_VALIDATE_WEBHOOKS is off: other systems may call unsigned, with an API key")
    }

    const secretsOf = async (company: string): Promise<readonly string[]> => {
      const settings = await companies.settings(company)
      const kept = (settings.webhookSecret ?? undefined) as CompanySecret | undefined
      const newest = newestOf(kept)
      if (newest !== undefined && !looked.has(settings)) {
        looked.add(settings)
        const weak = strengthOf(newest) < LEAST_BYTES
        if (weak) log.warn({ company }, "The company's webhookSecret is short and may be guessed")
      }
      return secretsInForce(kept, server, clock.now())
    }

    const refused = (message?: string) => reject("INVALID_SIGNATURE", message === undefined ? {} : { message })

    on("webhook:verify", async ({ company, body, headers }) => {
      const hub = headers.get("x-hub-signature-256")
      const hubId = (): string => `hub:${toHex(system.sha256(body))}`
      if (headers.has("webhook-signature")) {
        const given = readStandard(headers)
        if (given === undefined) return refused(SHAPE)
        if (Math.abs(Math.floor(clock.now() / 1_000) - Number(given.timestamp)) > TOLERANCE_S) return refused(STALE)
        if (!verifyStandard(given, body, await secretsOf(company), decoy, system)) return refused()
        const verified: Verified = { scheme: "standard-webhooks", id: `id:${given.id}`, rememberMs: REMEMBER_MS }
        // Stripped of the other headers it would be a call by itself.
        return hub === null ? verified : { ...verified, also: [hubId()] }
      }
      if (hub !== null) {
        const claimed = readHub(hub)
        if (claimed === undefined) return refused(HUB_SHAPE)
        if (!verifyHub(claimed, body, await secretsOf(company), decoy, system)) return refused()
        return { scheme: "x-hub-signature-256", id: hubId(), rememberMs: REMEMBER_MS }
      }
      if (config.validate) return refused(UNSIGNED)
      return { scheme: "unsigned", id: null, rememberMs: 0 }
    })

    on("webhook:sign", (headers, { id, timestamp, body, secrets }) => {
      const keys = secrets === "server" ? server : secrets
      const signature = signStandard(id, String(timestamp), body, keys, system)
      return signature === undefined ? headers : { ...headers, "webhook-signature": signature }
    })
    provide("signing", { ofServer: server.length > 0 } satisfies Signing)

    route(rotationRoute({ companies, system, clock, reject, server }))
  },
})

/* These say no more than the caller's own headers do. */
const UNSIGNED =
  "The call is not signed: send webhook-id, webhook-timestamp and webhook-signature, or X-Hub-Signature-256"
const SHAPE =
  "Each once: webhook-id (at most 255 visible ASCII characters, no full stop), webhook-timestamp (seconds), webhook-signature (v1,…; at most 10, parted by spaces)"
const HUB_SHAPE = "Expected one X-Hub-Signature-256: sha256= and 64 hex digits"
const STALE = `webhook-timestamp is more than ${TOLERANCE_S} seconds away from this server's clock`
