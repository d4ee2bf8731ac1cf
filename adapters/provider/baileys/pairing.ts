import { randomBytes } from "node:crypto"
import type { BinaryNode, WASocket } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { appError, toError } from "../../../core/errors.ts"
import type { ConnectInput, ProviderEvent } from "../../../core/provider.ts"
import type { Credentials } from "./creds.ts"
import { ask, iq } from "./questions.ts"
import type { Library } from "./load-baileys.ts"

/** Baileys shows the first code of a connection for a minute and each further one for 20 s (`qrTimeout` unset). */
const FIRST_QR_MS = 60_000
const LATER_QR_MS = 20_000
const USUAL_REFS = 6
const REGISTRATION_ANSWER_MS = 10_000
/** Place of the secret in the text after the `#`: reference, noise key, identity key, secret, platform. */
const SECRET_FIELD = 3

export interface Pairing {
  /** `<pair-device>`: says how many codes there will be. */
  offered(stanza: BinaryNode): void
  /** The library has drawn a code. */
  drawn(qr: string): void
  /** `<notification type="companion_reg_refresh">`. */
  refresh(stanza: BinaryNode): Promise<void>
  /** Asks WhatsApp to take in a pairing code. Throws PAIRING_REFUSED with WhatsApp's reason. */
  requestCode(phone: string): Promise<{ code: string; expiresAt: number }>
  end(cause: Error): void
}

export interface PairingOptions {
  readonly library: Library
  readonly sock: WASocket
  readonly credentials: Credentials
  readonly link: ConnectInput["link"]
  readonly browser: readonly [string, string, string]
  readonly clock: Clock
  emit(event: ProviderEvent): void
}

export function createPairing(options: PairingOptions): Pairing {
  const { library, sock, credentials, link, clock, emit } = options
  const { creds } = credentials
  let refs = USUAL_REFS
  let shown: { readonly qr: string; readonly expiresAt: number } | undefined
  let codesEndAt = 0
  let open: () => void
  let fail: (cause: Error) => void
  /** The library can register a code only once WhatsApp has offered references. */
  const ready = new Promise<void>((resolve, reject) => {
    open = resolve
    fail = reject
  })
  // Whoever waits for it hears of the failure; often nobody does.
  ready.catch(() => undefined)

  // Baileys draws every later code with the secret of the first.
  function withSecret(qr: string): string {
    const [link = "", fields = ""] = qr.split("#")
    return `${link}#${fields.split(",").with(SECRET_FIELD, creds.advSecretKey).join(",")}`
  }
  function show(refreshed: boolean): void {
    if (!shown || link.method !== "qr") return
    emit({ type: "qr", qr: withSecret(shown.qr), expiresAt: shown.expiresAt, refreshed })
  }
  async function requestCode(phone: string): Promise<{ code: string; expiresAt: number }> {
    if (creds.account) throw appError("PAIRING_REFUSED", { message: "The line is already linked" })
    await ready
    const code = library.bytesToCrockford(randomBytes(5))
    const jid = library.jidEncode(phone, "s.whatsapp.net")
    // Baileys answers the phone out of these; neither is stored.
    creds.pairingCode = code
    creds.me = { id: jid, name: "~" }
    const refusal = await askToRegister(jid, code)
    if (refusal !== undefined)
      throw appError("PAIRING_REFUSED", {
        message: `WhatsApp refused the pairing: ${refusal}`,
        details: { reason: refusal },
      })
    return { code: `${code.slice(0, 4)}-${code.slice(4)}`, expiresAt: codesEndAt }
  }
  /** What Baileys' `requestPairingCode` sends, but awaited. Gives the reason of a refusal. */
  async function askToRegister(jid: string, code: string): Promise<string | undefined> {
    const [os, name] = options.browser
    const child = (tag: string, content: string | Uint8Array): BinaryNode => ({ tag, attrs: {}, content })
    const registration: BinaryNode = {
      tag: "link_code_companion_reg",
      attrs: { jid, stage: "companion_hello", should_show_push_notification: "true" },
      content: [
        child(
          "link_code_pairing_wrapped_companion_ephemeral_pub",
          await wrappedKey(library, code, creds.pairingEphemeralKeyPair.public),
        ),
        child("companion_server_auth_key_pub", creds.noiseKey.public),
        child("companion_platform_id", library.getCompanionPlatformId([...options.browser])),
        child("companion_platform_display", `${name} (${os})`),
        child("link_code_pairing_nonce", "0"),
      ],
    }
    try {
      await ask(sock, clock, iq(sock, "set", "md", registration), REGISTRATION_ANSWER_MS)
      return undefined
    } catch (thrown) {
      return toError(thrown).message
    }
  }
  async function requestOnce(phone: string): Promise<void> {
    try {
      emit({ type: "pairing-code", ...(await requestCode(phone)) })
    } catch (thrown) {
      emit({ type: "pairing-refused", reason: toError(thrown).message })
    }
  }

  return {
    offered(stanza) {
      const [offer] = Array.isArray(stanza.content) ? stanza.content : []
      refs = Array.isArray(offer?.content) ? offer.content.filter(({ tag }) => tag === "ref").length : USUAL_REFS
    },
    drawn(qr) {
      const first = !shown
      const now = clock.now()
      shown = { qr, expiresAt: now + (first ? FIRST_QR_MS : LATER_QR_MS) }
      show(false)
      if (!first) return
      codesEndAt = now + FIRST_QR_MS + (refs - 1) * LATER_QR_MS
      open()
      if (link.method === "pairing-code") void requestOnce(link.phone)
    },
    async refresh({ attrs }) {
      // Baileys acknowledges notifications only once it knows who it is.
      if (!creds.me) {
        const ack = { id: attrs["id"] ?? "", to: attrs["from"] ?? "", class: "notification", type: attrs["type"] ?? "" }
        await sock.sendNode({ tag: "ack", attrs: ack })
      }
      // The secret of a code that was typed already is agreed with the phone.
      if (creds.account || creds.registered) return
      creds.advSecretKey = randomBytes(32).toString("base64")
      await credentials.save()
      show(true)
    },
    requestCode,
    end: (cause) => fail(cause),
  }
}

/** Our ephemeral key, readable only with the code: salt, iv, AES-256-CTR. */
async function wrappedKey(library: Library, code: string, key: Uint8Array): Promise<Uint8Array> {
  const [salt, iv] = [randomBytes(32), randomBytes(16)]
  const secret = await library.derivePairingCodeKey(code, salt)
  return Buffer.concat([salt, iv, library.aesEncryptCTR(key, secret, iv)])
}
