import { utf8 } from "../../core/plugin.ts"
import { toBase64, toHex } from "./base64.ts"
import { hubKey, standardKeys } from "./secrets.ts"

/** The two schemes, over bytes alone. */

export interface Tools {
  hmac(key: Uint8Array, data: Uint8Array): Uint8Array
  equal(a: Uint8Array, b: Uint8Array): boolean
}

/** What the headers of Standard Webhooks say, in a shape that can be verified. */
export interface StandardHeaders {
  readonly id: string
  /** Seconds since the epoch, as it was written. */
  readonly timestamp: string
  /** Those of version 1. */
  readonly signatures: readonly Uint8Array[]
}

/** Two secrets, each of which may be read in two ways. */
const STANDARD_KEYS = 4
const HUB_KEYS = 2
/** Visible ASCII, without the full stop that parts what is signed. */
const ID = /^[\x21-\x2d\x2f-\x7e]{1,255}$/
const TIMESTAMP = /^\d{1,12}$/
const MOST_SIGNATURES = 10
const LONGEST_SIGNATURES = 1_024
const HUB = /^sha256=([0-9a-f]{64})$/i

/** Undefined where a header is missing, doubled, too long, or none that a signer of the scheme writes. */
export function readStandard(headers: Headers): StandardHeaders | undefined {
  const id = headers.get("webhook-id") ?? ""
  const timestamp = headers.get("webhook-timestamp") ?? ""
  const given = headers.get("webhook-signature") ?? ""
  // Two headers of one name come joined with a comma and a space, which none of these has.
  if (!ID.test(id) || !TIMESTAMP.test(timestamp) || given.length > LONGEST_SIGNATURES || given.includes(", ")) {
    return undefined
  }
  const all = given.split(" ").filter((part) => part !== "")
  if (all.length > MOST_SIGNATURES) return undefined
  const signatures = all.filter((part) => part.startsWith("v1,")).map((part) => utf8(part.slice("v1,".length)))
  return { id, timestamp, signatures }
}

/** The digest that `X-Hub-Signature-256` claims, in lower case; undefined where it is none, or doubled. */
export function readHub(header: string): Uint8Array | undefined {
  const hex = HUB.exec(header)?.[1]
  return hex === undefined ? undefined : utf8(hex.toLowerCase())
}

/** What is signed: id, time stamp and body, parted by full stops. */
export function signedContent({ id, timestamp }: StandardHeaders, body: Uint8Array): Uint8Array {
  const head = utf8(`${id}.${timestamp}.`)
  const content = new Uint8Array(head.length + body.length)
  content.set(head)
  content.set(body, head.length)
  return content
}

/**
 * True when one of the signatures is right for one of the secrets. Each key is tried on each signature, and always as many
 * keys: `decoy` takes the place of those that a company does not have, so that the time tells nothing of its secrets.
 */
export function verifyStandard(
  given: StandardHeaders,
  body: Uint8Array,
  secrets: readonly string[],
  decoy: Uint8Array,
  tools: Tools,
): boolean {
  const content = signedContent(given, body)
  const keys = padded(secrets.flatMap(standardKeys), STANDARD_KEYS, decoy)
  let right = 0
  for (const key of keys) {
    const expected = utf8(toBase64(tools.hmac(key, content)))
    for (const signature of given.signatures) right |= Number(tools.equal(signature, expected))
  }
  return right === 1
}

/** As `verifyStandard`, for the one digest of the other scheme. */
export function verifyHub(
  claimed: Uint8Array,
  body: Uint8Array,
  secrets: readonly string[],
  decoy: Uint8Array,
  tools: Tools,
): boolean {
  let right = 0
  for (const key of padded(secrets.map(hubKey), HUB_KEYS, decoy)) {
    right |= Number(tools.equal(claimed, utf8(toHex(tools.hmac(key, body)))))
  }
  return right === 1
}

function padded(keys: readonly Uint8Array[], count: number, decoy: Uint8Array): readonly Uint8Array[] {
  return [...keys, ...Array.from({ length: Math.max(0, count - keys.length) }, () => decoy)]
}

/**
 * The value of `webhook-signature`: one for each key that a secret stands for, since receivers read it in either way and
 * take whichever fits. Undefined without a secret; throws for one that stands for none.
 */
export function signStandard(
  id: string,
  timestamp: string,
  body: Uint8Array,
  secrets: readonly string[],
  { hmac }: Pick<Tools, "hmac">,
): string | undefined {
  const content = signedContent({ id, timestamp, signatures: [] }, body)
  const signatures = secrets.flatMap((secret) => {
    const keys = standardKeys(secret)
    if (keys.length === 0) throw new Error("A secret for signing is not base64 behind its prefix")
    return keys.map((key) => `v1,${toBase64(hmac(key, content))}`)
  })
  return signatures.length === 0 ? undefined : signatures.slice(0, MOST_SIGNATURES).join(" ")
}
