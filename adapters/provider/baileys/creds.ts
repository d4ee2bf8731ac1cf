import type { AuthenticationCreds } from "@whiskeysockets/baileys"
import type { LineUser } from "../../../core/types.ts"
import type { AuthBatch, AuthStore } from "../../../core/store.ts"
import { damaged, decodeJson, encodeJson } from "./codec.ts"
import { parseJid } from "./jid.ts"
import type { LineStore } from "./line-store.ts"
import { encodeKeyPair, SIGNED_PRE_KEY } from "./signal/own-keys.ts"

const TYPE = "creds"
const MAIN = "main"
/** The state before the last write, for whoever has to repair a damaged one by hand. */
const PREVIOUS = "previous"

/** Reads stored credentials; undefined when there are none. Throws CREDENTIALS_DAMAGED or STORAGE_UNAVAILABLE. */
export async function readCredentials(auth: Pick<AuthStore, "load">): Promise<AuthenticationCreds | undefined> {
  const record = (await auth.load(TYPE, [MAIN]))[MAIN]
  if (!record) return undefined
  const value = decodeJson(record, `${TYPE}/${MAIN}`)
  if (!isCredentials(value)) throw damaged(`${TYPE}/${MAIN}`)
  return value
}

/** WhatsApp has accepted the link: there is an account signature, and somebody to log in as. */
export function isFinished(creds: AuthenticationCreds): boolean {
  return creds.account !== undefined && creds.me !== undefined
}

/** Makes credentials of a pairing that was never finished fit for a new one: with `me` set they would be sent as a login. */
export function forgetUnfinishedPairing(creds: AuthenticationCreds): void {
  delete creds.me
  creds.registered = false
  creds.pairingCode = undefined
}

export function userOf(creds: AuthenticationCreds): LineUser {
  const own = parseJid(creds.me?.id)
  const lid = parseJid(creds.me?.lid)
  const phone = own?.user ?? null
  return {
    id: `${phone}@s.whatsapp.net`,
    phone,
    lid: lid?.user ?? null,
    name: creds.me?.name ?? creds.me?.verifiedName ?? null,
  }
}

/** Credentials as they are stored, with all that belongs to them. */
export function credentialRecords(creds: AuthenticationCreds): AuthBatch {
  const { keyId, keyPair, signature } = creds.signedPreKey
  return {
    [TYPE]: { [MAIN]: encodeJson(stored(creds)) },
    [SIGNED_PRE_KEY]: { [String(keyId)]: encodeKeyPair(keyPair, signature) },
  }
}

/** The live credentials of one connection. Baileys changes the object in place; `save` writes it as it is then. */
export interface Credentials {
  readonly creds: AuthenticationCreds
  /** Resolves when the state at the time of the call is durable. */
  save(): Promise<void>
  /** The writes that a save needs, to go into one commit with others. */
  batch(): AuthBatch
}

export function createCredentials(creds: AuthenticationCreds, store: LineStore): Credentials {
  let last: Uint8Array | undefined
  let recordedSignedPreKey: number | undefined

  function batch(): AuthBatch {
    const record = encodeJson(stored(creds))
    if (last && Buffer.compare(last, record) === 0) return {}
    const before = last
    last = record
    const { keyId, keyPair, signature } = creds.signedPreKey
    const signed =
      keyId === recordedSignedPreKey ? {} : { [SIGNED_PRE_KEY]: { [String(keyId)]: encodeKeyPair(keyPair, signature) } }
    recordedSignedPreKey = keyId
    return { [TYPE]: { [MAIN]: record, ...(before && { [PREVIOUS]: before }) }, ...signed }
  }
  return {
    creds,
    batch,
    async save() {
      store.stage(batch())
      await store.durable()
    },
  }
}

/** Never a pairing code, and nobody to log in as before the pairing is finished. */
function stored(creds: AuthenticationCreds): Partial<AuthenticationCreds> {
  const { pairingCode: _secret, me, ...rest } = creds
  return isFinished(creds) && me ? { ...rest, me } : { ...rest, registered: false }
}

function isCredentials(value: unknown): value is AuthenticationCreds {
  if (typeof value !== "object" || value === null) return false
  const record: Readonly<Record<string, unknown>> = { ...value }
  const signedPreKey = record["signedPreKey"]
  return (
    isKeyPair(record["noiseKey"]) &&
    isKeyPair(record["signedIdentityKey"]) &&
    isKeyPair(record["pairingEphemeralKeyPair"]) &&
    typeof signedPreKey === "object" &&
    signedPreKey !== null &&
    "keyPair" in signedPreKey &&
    isKeyPair(signedPreKey.keyPair) &&
    typeof record["registrationId"] === "number" &&
    typeof record["advSecretKey"] === "string" &&
    typeof record["nextPreKeyId"] === "number"
  )
}

function isKeyPair(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false
  return "private" in value && isKey(value.private) && "public" in value && isKey(value.public)
}

function isKey(value: unknown): boolean {
  return value instanceof Uint8Array && value.length === 32
}
