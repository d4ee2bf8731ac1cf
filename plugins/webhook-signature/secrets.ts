import { utf8, z } from "../../core/plugin.ts"
import { fromBase64 } from "./base64.ts"

/** Secrets as people write them, and what each scheme makes of one. */

export const PREFIX = "whsec_"
/** Fewer are guessed too easily (Standard Webhooks 1.0.0, which asks for 24 to 64). */
export const LEAST_BYTES = 24
const MOST_BYTES = 64
const LONGEST = 500

/** Without the prefix itself, which may be all that somebody has given. */
export const RULE = `expected a text of 1 to ${LONGEST} characters, not stars alone; after the prefix of Standard Webhooks it must be base64`

/** True for a text that can be a secret. */
export function isSecret(text: string): boolean {
  // Stars stand for a secret that is not shown: they come from an answer that was sent back.
  if (text === "" || text.length > LONGEST || /^\*+$/.test(text)) return false
  return !text.startsWith(PREFIX) || fromBase64(text.slice(PREFIX.length)) !== undefined
}

/** How many bytes a secret has to be guessed. */
export function strengthOf(secret: string): number {
  return (secret.startsWith(PREFIX) ? fromBase64(secret.slice(PREFIX.length)) : utf8(secret))?.length ?? 0
}

/**
 * The keys that a secret may stand for in Standard Webhooks: after `whsec_` its base64; otherwise its UTF-8 bytes, and
 * its base64 as well where that has a fitting length, since the libraries read every secret that way.
 */
export function standardKeys(secret: string): readonly Uint8Array[] {
  if (secret.startsWith(PREFIX)) {
    const key = fromBase64(secret.slice(PREFIX.length))
    return key === undefined ? [] : [key]
  }
  const decoded = fromBase64(secret)
  const fits = decoded !== undefined && decoded.length >= LEAST_BYTES && decoded.length <= MOST_BYTES
  return fits ? [utf8(secret), decoded] : [utf8(secret)]
}

/** The key in `X-Hub-Signature-256`: the secret's text as it is written, whatever it begins with. */
export function hubKey(secret: string): Uint8Array {
  return utf8(secret)
}

const text = z.string({ error: RULE }).refine(isSecret, { error: RULE })
const RULES = `${RULE}; or a list of one or two such texts, the newest first`

/** What a company can be given from outside. */
export const companySecret = z.union([text, z.array(text).min(1).max(2)], { error: RULES })

/** A secret that was made here, and how long the one before it is still good. */
export interface Rotated {
  readonly newest: string
  /** Null: the server's own, which counted before the company had one. */
  readonly former: string | null
  /** Epoch ms. */
  readonly until: number
}

/** A company's `webhookSecret` as it is kept. */
export type CompanySecret = z.output<typeof companySecret> | Rotated

/** The newest secret of a company; undefined when it has none. */
export function newestOf(kept: CompanySecret | undefined): string | undefined {
  if (kept === undefined || typeof kept === "string") return kept
  return "newest" in kept ? kept.newest : kept[0]
}

/** The secrets that count now, at most two: the company's own, else the server's. */
export function secretsInForce(
  kept: CompanySecret | undefined,
  server: readonly string[],
  now: number,
): readonly string[] {
  if (kept === undefined) return server
  if (typeof kept === "string") return [kept]
  if (!("newest" in kept)) return kept
  const former = now < kept.until ? (kept.former ?? server[0]) : undefined
  return former === undefined ? [kept.newest] : [kept.newest, former]
}
