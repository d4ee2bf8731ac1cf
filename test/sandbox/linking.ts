import { createCipheriv, createDecipheriv, hkdfSync, pbkdf2, randomBytes } from "node:crypto"
import { promisify } from "node:util"
import { bytesOf, child, el, type Node } from "./binary.ts"
import { agree, generateKeyPair } from "./curve.ts"
import { SERVER } from "./jid.ts"
import type { Line } from "./line.ts"
import { finishPairing, PairingError, type PairingAttempt } from "./pairing.ts"
import { passkeyNotification, registrationRefresh } from "./notifications.ts"
import type { Account, World } from "./world.ts"

const derive = promisify(pbkdf2)
const CODE_ITERATIONS = 131_072
const EMPTY = Buffer.alloc(0)

/** What a phone reads from a QR code. Throws when it is not one. */
function readQr(text: string): { ref: string; noiseKey: Buffer; identity: Buffer; advSecret: Buffer } {
  const fields = text.slice(text.indexOf("#") + 1).split(",")
  const [ref, noise, identity, secret] = fields
  if (!ref || !noise || !identity || !secret) throw new PairingError("unknown-ref", "this is not a linking QR code")
  return {
    ref,
    noiseKey: Buffer.from(noise, "base64"),
    identity: Buffer.from(identity, "base64"),
    advSecret: Buffer.from(secret, "base64"),
  }
}

/** A phone scans a QR code: gives the linked device, or throws PairingError as the phone would show it. */
export function scanQr(world: World, account: Account, text: string): Promise<Line> {
  const { ref, noiseKey, identity, advSecret } = readQr(text)
  const attempt = world.refs.get(ref)
  if (!attempt) throw new PairingError("unknown-ref", "the QR code is out of date")
  const { registration } = attempt
  if (!registration.noiseKey.equals(noiseKey) || !registration.identity.equals(identity)) {
    throw new PairingError("wrong-device", "the keys in the QR code are not those of the device that shows it")
  }
  refuseIfArmed(world, account, attempt, advSecret)
  return finishPairing(world, account, attempt, advSecret)
}

/** The two things that WhatsApp may put in the way of any linking. */
function refuseIfArmed(world: World, account: Account, attempt: PairingAttempt, advSecret: Buffer): void {
  const { connection } = attempt
  const secret = advSecret.toString("base64")
  if (world.faults.take("companion-reg-refresh", account.phone)) {
    attempt.retired.add(secret)
    connection.send(registrationRefresh())
  }
  if (attempt.retired.has(secret)) {
    throw new PairingError("secret-retired", "couldn't link device: the code on screen was retired")
  }
  if (world.faults.take("passkey", account.phone)) {
    connection.send(passkeyNotification())
    throw new PairingError("passkey-demanded", "WhatsApp wants a passkey on the device that is being linked")
  }
}

/** The user types a pairing code on the phone: gives the linked device or throws PairingError. */
export async function enterCode(world: World, account: Account, typed: string): Promise<Line> {
  const attempt = world.codes.get(account.phone)
  const request = attempt?.code
  if (!attempt || !request) throw new PairingError("no-code-requested", "no device asked for a code for this number")
  const code = typed.replaceAll("-", "").trim().toUpperCase()
  const { signal } = account.handset
  const ephemeral = generateKeyPair()
  const companionEphemeral = await unwrap(request.wrappedEphemeral, code)
  const finished = new Promise<Node | undefined>((resolve) => {
    request.finish = resolve
  })
  attempt.connection.send(
    el("notification", { from: SERVER, type: "link_code_companion_reg", id: randomBytes(8).toString("hex") }, [
      el("link_code_companion_reg", { stage: "primary_hello" }, [
        el("link_code_pairing_wrapped_primary_ephemeral_pub", {}, await wrap(ephemeral.public, code)),
        el("primary_identity_pub", {}, signal.identity.public),
        el("link_code_pairing_ref", {}, request.ref),
      ]),
    ]),
  )
  const finish = await finished
  if (!finish) throw new PairingError("hung-up", "the client hung up while the code was checked")
  const bundle = bytesOf(child(finish, "link_code_pairing_wrapped_key_bundle"))
  if (!bundle) throw new PairingError("refused-by-client", "the client sent no key bundle")
  const shared = agree(companionEphemeral, ephemeral.private)
  const opened = openBundle(bundle, shared)
  const companionIdentity = opened.subarray(0, 32)
  if (!opened.subarray(32, 64).equals(signal.identity.public)) {
    throw new PairingError("wrong-code", "the client answered another phone")
  }
  if (!attempt.registration.identity.equals(companionIdentity)) {
    throw new PairingError("wrong-device", "the client finished with another identity than it registered")
  }
  const secret = Buffer.concat([shared, agree(companionIdentity, signal.identity.private), opened.subarray(64)])
  const advSecret = Buffer.from(hkdfSync("sha256", secret, EMPTY, "adv_secret", 32))
  refuseIfArmed(world, account, attempt, advSecret)
  return finishPairing(world, account, attempt, advSecret)
}

function openBundle(bundle: Buffer, shared: Buffer): Buffer {
  const salt = bundle.subarray(0, 32)
  const key = Buffer.from(hkdfSync("sha256", shared, salt, "link_code_pairing_key_bundle_encryption_key", 32))
  const decipher = createDecipheriv("aes-256-gcm", key, bundle.subarray(32, 44), { authTagLength: 16 })
  decipher.setAuthTag(bundle.subarray(-16))
  try {
    return Buffer.concat([decipher.update(bundle.subarray(44, -16)), decipher.final()])
  } catch {
    // With a wrong code both sides unwrapped nonsense, and the seal cannot be opened: that is how a phone notices.
    throw new PairingError("wrong-code", "the code is not the one that the device shows")
  }
}

async function wrap(key: Buffer, code: string): Promise<Buffer> {
  const salt = randomBytes(32)
  const iv = randomBytes(16)
  const cipher = createCipheriv("aes-256-ctr", await codeKey(code, salt), iv)
  return Buffer.concat([salt, iv, cipher.update(key), cipher.final()])
}

async function unwrap(wrapped: Buffer, code: string): Promise<Buffer> {
  const key = await codeKey(code, wrapped.subarray(0, 32))
  const decipher = createDecipheriv("aes-256-ctr", key, wrapped.subarray(32, 48))
  return Buffer.concat([decipher.update(wrapped.subarray(48)), decipher.final()])
}

function codeKey(code: string, salt: Buffer): Promise<Buffer> {
  return derive(code, salt, CODE_ITERATIONS, 32, "sha256")
}
