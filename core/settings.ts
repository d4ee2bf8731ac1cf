import { z } from "@hono/zod-openapi"
import { bool, count, list, ms, port } from "./settings/fields.ts"
import type { EnvMap } from "./settings/setting.ts"
import { storesSetting } from "./settings/store-specs.ts"

/** The settings that core itself owns, with their environment names. Plugins and adapters declare their own. */
export const coreSettings = z.object({
  port: port.default(3000).describe("Port to listen on; 0 takes a free one"),
  host: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address to listen on; another than loopback needs an admin key"),
  multiTenant: bool.default(true).describe("Every call names a company"),
  defaultCompanyId: z.string().min(1).max(100).optional().describe("The company meant when multi-tenant mode is off"),
  provider: z.string().default("baileys").describe("WhatsApp provider to use"),
  maxSessions: count.default(1000).describe("Sessions that have or want a socket on this process"),
  sessionTtlMs: ms
    .default(3_600_000)
    .describe("A session not connected and idle for this long is dropped from memory (ms)"),
  authStateTtlMs: ms
    .default(7_200_000)
    .describe("How long cached auth state outlives its session, and an unfinished pairing's credentials are kept (ms)"),
  cleanupIntervalMs: ms.default(60_000).describe("How often both are swept (ms)"),
  maxListeners: count.default(20).describe("Live event subscribers for one company"),
  maxReconnectAttempts: count.default(10).describe("Reconnect attempts before the status is failed"),
  reconnectDelayMs: ms.default(5_000).describe("First reconnect delay; grows by 1.5 with full jitter up to 60 s (ms)"),
  keepAliveMs: ms.default(30_000).describe("Keep-alive interval of the transport (ms)"),
  connectionTimeoutMs: ms.default(60_000).describe("Connection timeout of the transport (ms)"),
  usePairingCode: bool.default(false).describe("Link by pairing code when initialize does not say"),
  maxQrAttempts: count.default(3).describe("QR codes shown before the session gives up"),
  storage: z.string().default("filesystem").describe("The default store for auth state"),
  stores: storesSetting.default({}).describe("Further stores for auth state: JSON, name → { adapter, …options }"),
  sessionsPath: z.string().min(1).default("./sessions").describe("The data folder"),
  onUnknown: z
    .enum(["resend", "hold"])
    .default("resend")
    .describe("After a crash, a message that may or may not have gone out"),
  metricsEnabled: bool.default(true).describe("Collect metrics"),
  metricsCompanies: count.default(100).describe("Companies with Prometheus series of their own"),
  bodyLimit: count.default(1_048_576).describe("Largest ordinary JSON body (bytes)"),
  allowPrivateUrls: bool.default(false).describe("URLs that companies set may reach private addresses"),
  trustedProxies: list.default([]).describe("Addresses whose X-Forwarded-For counts"),
  corsOrigins: list.default([]).describe("Origins that browsers may call from"),
  logLevel: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"])
    .default("info")
    .describe("Log level"),
  logToFile: bool.default(false).describe("Log to a file as well"),
  logPath: z.string().min(1).default("logs/whatsapp.log").describe("Log file; rotated by size"),
  plugins: list
    .optional()
    .describe("Plugins in order: built-in names, `./path`, npm package names; without it, the config file's list"),
  configFile: z.string().min(1).default("config/switchboard.config.ts").describe("The config file"),
  debugSessions: bool.default(false).describe("Log every session state change with its cause"),
})

export type CoreSettings = z.output<typeof coreSettings>

/** Environment name → key. */
export const coreEnv = {
  PORT: "port",
  HOST: "host",
  WHATSAPP_MULTI_TENANT: "multiTenant",
  DEFAULT_COMPANY_ID: "defaultCompanyId",
  WHATSAPP_PROVIDER: "provider",
  WHATSAPP_MAX_SESSIONS: "maxSessions",
  WHATSAPP_SESSION_TTL: "sessionTtlMs",
  WHATSAPP_AUTH_STATE_TTL: "authStateTtlMs",
  WHATSAPP_CLEANUP_INTERVAL: "cleanupIntervalMs",
  WHATSAPP_MAX_LISTENERS: "maxListeners",
  WHATSAPP_MAX_RECONNECT_ATTEMPTS: "maxReconnectAttempts",
  WHATSAPP_RECONNECT_DELAY: "reconnectDelayMs",
  WHATSAPP_KEEPALIVE_INTERVAL: "keepAliveMs",
  WHATSAPP_CONNECTION_TIMEOUT: "connectionTimeoutMs",
  WHATSAPP_USE_PAIRING_CODE: "usePairingCode",
  WHATSAPP_MAX_QR_ATTEMPTS: "maxQrAttempts",
  WHATSAPP_STORAGE: "storage",
  WHATSAPP_STORES: { key: "stores", secret: true },
  WHATSAPP_SESSIONS_PATH: "sessionsPath",
  WHATSAPP_ON_UNKNOWN: "onUnknown",
  WHATSAPP_METRICS_ENABLED: "metricsEnabled",
  WHATSAPP_METRICS_COMPANIES: "metricsCompanies",
  WHATSAPP_BODY_LIMIT: "bodyLimit",
  WHATSAPP_ALLOW_PRIVATE_URLS: "allowPrivateUrls",
  WHATSAPP_TRUSTED_PROXIES: "trustedProxies",
  WHATSAPP_CORS_ORIGINS: "corsOrigins",
  WHATSAPP_LOG_LEVEL: "logLevel",
  WHATSAPP_LOG_TO_FILE: "logToFile",
  WHATSAPP_LOG_PATH: "logPath",
  WHATSAPP_PLUGINS: "plugins",
  WHATSAPP_CONFIG: "configFile",
  WHATSAPP_DEBUG_SESSIONS: "debugSessions",
} as const satisfies EnvMap<typeof coreSettings>
