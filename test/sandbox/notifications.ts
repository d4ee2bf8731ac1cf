import { randomBytes } from "node:crypto"
import { el, type Node } from "./binary.ts"
import { SERVER } from "./jid.ts"

/**
 * Sent to a device that is being linked, to retire the secret in the QR code on its screen: it is to make a new one and
 * draw the current code again. Shape as WhatsApp Web parses it (WhiskeySockets/Baileys issue 2737 and pull request 2765;
 * seen there since July 2026, after the scan). Baileys 7.0.0-rc14 does not know it.
 */
export function registrationRefresh(): Node {
  return notification("companion_reg_refresh", [el("companion_reg_refresh")])
}

/**
 * Sent when WhatsApp wants a passkey before it links a device: options for `navigator.credentials.get()` as JSON. Shape
 * as public clients parse it (tulir/whatsmeow pull request 1186, June 2026). Baileys 7.0.0-rc14 does not know it; the
 * sandbox goes no further, since no headless client can answer.
 */
export function passkeyNotification(): Node {
  const options = {
    publicKey: {
      challenge: randomBytes(32).toString("base64url"),
      rpId: "whatsapp.com",
      timeout: 60_000,
      userVerification: "required",
      allowCredentials: [],
    },
  }
  return notification("passkey_prologue_request", [
    el("passkey_request_options", {}, Buffer.from(JSON.stringify(options))),
  ])
}

/** Asks a client for more one-time pre-keys; Baileys 7.0.0-rc14 uploads new ones below five. */
export function preKeysLow(left: number): Node {
  return notification("encrypt", [el("count", { value: left })])
}

function notification(type: string, content: Node[]): Node {
  const t = Math.floor(Date.now() / 1000)
  return el("notification", { from: SERVER, type, id: randomBytes(8).toString("hex"), t }, content)
}
