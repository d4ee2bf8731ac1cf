import { createHmac, randomBytes, randomInt } from "node:crypto"
import { proto } from "@whiskeysockets/baileys/WAProto/index.js"
import { bytesOf, child, el, type Node } from "./binary.ts"
import type { Connection } from "./connection.ts"
import { sign, verify } from "./curve.ts"
import { SERVER } from "./jid.ts"
import { createLine, type Line, type Registration } from "./line.ts"
import { jidOf, type Account, type World } from "./world.ts"

/** A client that is connected but not linked: it shows a QR code, and may have asked for a pairing code. */
export interface PairingAttempt {
  readonly connection: Connection
  readonly registration: Registration
  readonly refs: readonly string[]
  /** Secrets, base64, that the server has declared out of date on this connection. */
  readonly retired: Set<string>
  code: CodeRequest | undefined
}

export interface CodeRequest {
  readonly phone: string
  readonly ref: Buffer
  /** salt, iv and the companion's ephemeral key, wrapped with the code. */
  readonly wrappedEphemeral: Buffer
  /** Set while the phone waits for the companion's last step; called without it when the companion hangs up. */
  finish: ((node?: Node) => void) | undefined
}

export type PairingFault =
  | "unknown-ref"
  | "wrong-device"
  | "secret-retired"
  | "passkey-demanded"
  | "no-code-requested"
  | "wrong-code"
  | "refused-by-client"
  | "bad-device-signature"
  | "hung-up"

/** Linking failed the way a phone would see it. */
export class PairingError extends Error {
  readonly code: PairingFault
  constructor(code: PairingFault, message: string) {
    super(message)
    this.name = "PairingError"
    this.code = code
  }
}

const REFS = 6
const ACCOUNT_SIGNATURE = Buffer.from([6, 0])
const DEVICE_SIGNATURE = Buffer.from([6, 1])

/** Gives a new client the references for its QR codes. */
export function offerPairing(world: World, connection: Connection, registration: Registration): void {
  const refs = Array.from({ length: REFS }, () => `2@${randomBytes(48).toString("base64url")}`)
  const attempt: PairingAttempt = { connection, registration, refs, retired: new Set(), code: undefined }
  connection.pairing = attempt
  for (const ref of refs) world.refs.set(ref, attempt)
  const offer = el(
    "pair-device",
    {},
    refs.map((ref) => el("ref", {}, Buffer.from(ref))),
  )
  // The answer says nothing but that it came; without it the connection has ended, which is seen elsewhere.
  connection.request([offer]).catch(() => undefined)
}

/** Forgets an attempt whose client is linked or gone. */
export function dropPairing(world: World, attempt: PairingAttempt): void {
  attempt.code?.finish?.()
  for (const ref of attempt.refs) world.refs.delete(ref)
  if (attempt.code && world.codes.get(attempt.code.phone) === attempt) world.codes.delete(attempt.code.phone)
}

/**
 * The last part of every linking: the phone vouches for the device with its account key and the secret both know, the
 * device signs in return, the phone checks that signature, and the server takes the device in and sends 515.
 * Throws PairingError.
 */
export async function finishPairing(
  world: World,
  account: Account,
  attempt: PairingAttempt,
  advSecret: Buffer,
): Promise<Line> {
  const { connection, registration } = attempt
  const id = account.nextDevice++
  const identity = account.handset.signal.identity
  const details = proto.ADVDeviceIdentity.encode({
    rawId: randomInt(1, 2 ** 31),
    timestamp: Math.floor(Date.now() / 1000),
    keyIndex: id,
    accountType: proto.ADVEncryptionType.E2EE,
    deviceType: proto.ADVEncryptionType.E2EE,
  }).finish()
  const vouched = Buffer.concat([ACCOUNT_SIGNATURE, details, registration.identity])
  const signed = proto.ADVSignedDeviceIdentity.encode({
    details,
    accountSignatureKey: identity.public,
    accountSignature: sign(identity.private, vouched),
  }).finish()
  const hmac = createHmac("sha256", advSecret).update(signed).digest()
  const success = el("pair-success", {}, [
    el("device-identity", {}, proto.ADVSignedDeviceIdentityHMAC.encode({ details: signed, hmac }).finish()),
    el("device", { jid: jidOf(account, "pn", id), lid: jidOf(account, "lid", id) }),
    el("platform", { name: "android" }),
    el("biz", { name: account.name }),
  ])
  const answer = await connection.request([success]).catch(() => {
    throw new PairingError("refused-by-client", "the client hung up instead of signing")
  })
  const identityNode = child(child(answer, "pair-device-sign"), "device-identity")
  const countersigned = bytesOf(identityNode)
  if (!countersigned) throw new PairingError("refused-by-client", "the client did not accept the device identity")
  const { deviceSignature } = proto.ADVSignedDeviceIdentity.decode(countersigned)
  const expected = Buffer.concat([DEVICE_SIGNATURE, details, registration.identity, identity.public])
  if (!deviceSignature || !verify(registration.identity, expected, deviceSignature)) {
    connection.end(el("stream:error", { code: 401 }))
    throw new PairingError("bad-device-signature", "the client's signature does not fit its identity key")
  }
  const line = createLine(world, account, id, registration)
  account.lines.set(id, line)
  dropPairing(world, attempt)
  world.journal.note("linked", account.phone, `device ${id}`)
  world.watch.changed()
  connection.end(el("stream:error", { code: 515 }))
  return line
}

/** Takes the companion's half of pairing by code: its request, and later its last step. */
export function companionStanza(world: World, connection: Connection, iq: Node): void {
  const attempt = connection.pairing
  const node = child(iq, "link_code_companion_reg")
  if (!attempt || !node) return
  const phone = (node.attrs.jid ?? "").split("@")[0] ?? ""
  const answer = (content?: Node[], type = "result"): void => {
    connection.send(el("iq", { from: SERVER, type, id: iq.attrs.id }, content))
  }

  if (node.attrs.stage === "companion_hello") {
    const refused = world.faults.take("refuse-pairing-code", phone)
    if (refused) {
      world.journal.note("pairing-code-refused", phone)
      return answer([el("error", { code: refused.code ?? 400, text: "bad-request" })], "error")
    }
    const wrapped = bytesOf(child(node, "link_code_pairing_wrapped_companion_ephemeral_pub"))
    if (!wrapped || wrapped.length !== 80) return answer([el("error", { code: 400, text: "bad-request" })], "error")
    attempt.code = { phone, ref: randomBytes(16), wrappedEphemeral: wrapped, finish: undefined }
    world.codes.set(phone, attempt)
    world.journal.note("pairing-code-registered", phone)
    world.watch.changed()
    answer([el("link_code_companion_reg", {}, [el("link_code_pairing_ref", {}, attempt.code.ref)])])
  } else if (node.attrs.stage === "companion_finish") {
    answer()
    attempt.code?.finish?.(node)
  }
}
