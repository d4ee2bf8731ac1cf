import type { ClientOptions } from "./options.ts"

const STANDARD = "http://localhost:3000"

type Variables = Readonly<Record<string, string | undefined>>

/**
 * Where the environment says that the server is: `SWITCHBOARD_URL`, else this machine; the key from
 * `SWITCHBOARD_API_KEY`, else `WHATSAPP_API_KEY`. A browser has none, and gets the standard.
 */
export function environmentOptions(): ClientOptions {
  const { process } = globalThis as { readonly process?: { readonly env?: Variables } }
  const env = process?.env ?? {}
  const apiKey = env.SWITCHBOARD_API_KEY || env.WHATSAPP_API_KEY || undefined
  return { url: env.SWITCHBOARD_URL || STANDARD, apiKey }
}
