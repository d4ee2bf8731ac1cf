import { createHmac } from "node:crypto"
import { isRefusal } from "../../core/refusal.ts"
import type { Verified } from "../../core/stages.ts"
import type { System } from "../../core/system.ts"
import plugin from "../../plugins/webhook-signature/index.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

/** The plugin alone, and what another system does to sign. */

export interface Signing {
  readonly house: PluginHouse
  /** What the plugin says of a call: its scheme, or the code of its refusal. */
  verify(body: string | Uint8Array, headers: Iterable<readonly [string, string]>, company?: string): Promise<string>
  /** All that it says. */
  answer(
    body: string | Uint8Array,
    headers: Iterable<readonly [string, string]>,
    company?: string,
  ): Promise<Verified | { readonly code: string; readonly message: string }>
}

export const bytesOf = (text: string | Uint8Array): Uint8Array =>
  typeof text === "string" ? new TextEncoder().encode(text) : text

export async function openSigning(
  config: Readonly<Record<string, unknown>>,
  more: { readonly start?: number; readonly system?: System } = {},
): Promise<Signing> {
  const house = await createPluginHouse({ plugins: [[plugin, config]], ...more })
  const answer: Signing["answer"] = async (body, headers, company = "acme") => {
    const given = new Headers()
    for (const [name, value] of headers) given.append(name, value)
    const said = await house.hooks.first("webhook:verify", { company, body: bytesOf(body), headers: given })
    if (said === undefined) return { code: "none", message: "" }
    return isRefusal(said) ? { code: said.error.code, message: said.error.message } : said
  }
  return {
    house,
    answer,
    async verify(body, headers, company) {
      const said = await answer(body, headers, company)
      return "scheme" in said ? said.scheme : said.code
    },
  }
}

/** The `v1,…` of Standard Webhooks, made with Node's own means. */
export function standardSignature(
  key: Uint8Array | string,
  id: string,
  timestamp: number | string,
  body: string | Uint8Array,
): string {
  const mac = createHmac("sha256", key).update(`${id}.${timestamp}.`).update(bytesOf(body))
  return `v1,${mac.digest("base64")}`
}

export function hubSignature(secret: string, body: string | Uint8Array): string {
  return `sha256=${createHmac("sha256", secret).update(bytesOf(body)).digest("hex")}`
}

export function standardHeaders(
  key: Uint8Array | string,
  id: string,
  timestamp: number | string,
  body: string | Uint8Array,
): [string, string][] {
  return [
    ["webhook-id", id],
    ["webhook-timestamp", String(timestamp)],
    ["webhook-signature", standardSignature(key, id, timestamp, body)],
  ]
}
