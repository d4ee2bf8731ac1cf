import { z } from "@hono/zod-openapi"

/** What this provider can be told. Without any of it, the line goes to WhatsApp as the pinned library does. */

const LOOPBACK = new Set(["localhost", "127.0.0.1", "[::1]"])

const socketUrl = z
  .string()
  .refine(isSocketUrl, { error: "expected a wss:// URL, or ws:// to localhost, 127.0.0.1 or [::1]" })
  .describe("Another WhatsApp-speaking server to connect to")

/** A type byte in front is how Signal writes public keys; the certificate check wants the bare 32 bytes. */
const rootKey = z
  .string()
  .regex(/^(?:05)?[0-9a-f]{64}$/i, { error: "expected a public key of 64 hex digits" })
  .transform((key) => key.slice(-64).toLowerCase())
  .describe("Hex public key that the server's certificate chain is signed with")

const webVersion = z
  .string()
  .regex(/^2\.3000\.\d{1,10}$/, { error: "expected a WhatsApp Web version such as 2.3000.1043857760" })
  .transform((text): [number, number, number] => {
    const [major = 0, minor = 0, build = 0] = text.split(".").map(Number)
    return [major, minor, build]
  })
  .describe("WhatsApp Web version to announce")

const debug = z
  .preprocess(asBoolean, z.boolean({ error: "expected true, false, 1, 0, yes, no, on or off" }))
  .default(false)
  .describe("Log what the Baileys library says, without keys, codes, numbers or texts")

export const settings = z.object({
  socketUrl: socketUrl.optional(),
  rootKey: rootKey.optional(),
  webVersion: webVersion.optional(),
  debug,
})

export type Settings = z.output<typeof settings>

export const env = {
  WHATSAPP_SOCKET_URL: "socketUrl",
  WHATSAPP_SOCKET_ROOT_KEY: "rootKey",
  WHATSAPP_WEB_VERSION: "webVersion",
  WHATSAPP_DEBUG_BAILEYS: "debug",
} as const satisfies Record<string, keyof Settings>

function isSocketUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const url = new URL(text)
  return url.protocol === "wss:" || (url.protocol === "ws:" && LOOPBACK.has(url.hostname))
}

function asBoolean(value: unknown): unknown {
  if (typeof value !== "string") return value
  const text = value.trim().toLowerCase()
  if (["true", "1", "yes", "on"].includes(text)) return true
  return ["false", "0", "no", "off"].includes(text) ? false : value
}
