import { curve } from "./signal/curve.ts"
import { WHATSAPP_ROOT } from "./root-key.ts"

export type Library = typeof import("@whiskeysockets/baileys")

/**
 * Loads Baileys on first use, since it takes longer than all the rest of a start, and gives it curve functions that verify.
 * The loggers that it makes for itself write stanzas to standard output, past the one that a socket is given; they are
 * silenced.
 */
export async function loadBaileys(): Promise<Library> {
  const library = await import("@whiskeysockets/baileys")
  Object.assign(library.Curve, curve)
  const { default: own } = await import("@whiskeysockets/baileys/lib/Utils/logger.js")
  for (const logger of [own, library.DEFAULT_CONNECTION_CONFIG.logger]) logger.level = "silent"
  return library
}

/** Sets the key that server certificates are checked against from now on. */
export function trustRoot(library: Library, root: string): void {
  const key = root === WHATSAPP_ROOT ? WHATSAPPS_OWN : root
  library.WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(key, "hex")
}

/** `WA_CERT_DETAILS.PUBLIC_KEY` as Baileys 7.0.0-rc14 ships it, for a process that was told another one before. */
const WHATSAPPS_OWN = "142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b"
