import { isLidJid, isPhoneJid, parseJid, type Jid } from "../jid.ts"

/** Names of stored Signal records, the same as Baileys' own, so that stores stay readable for both. */

const DOMAIN: Readonly<Record<string, number>> = { lid: 1, hosted: 128, "hosted.lid": 129 }

export interface Address {
  /** `user` or `user_domain`. */
  readonly name: string
  readonly device: number
  /** `name.device`. */
  readonly id: string
}

/** Throws when the text is no device's address. */
export function addressOfJid(jid: string): Address {
  const parsed = parseJid(jid)
  if (!parsed || parsed.user === "") throw new Error("Not the address of a device")
  const domain = DOMAIN[parsed.server]
  const name = domain === undefined ? parsed.user : `${parsed.user}_${domain}`
  return { name, device: parsed.device, id: `${name}.${parsed.device}` }
}

/** The same device under a LID user. */
export function underLid(jid: Jid, lidUser: string): string {
  const device = jid.device === 0 ? "" : `:${jid.device}`
  return `${lidUser}${device}@${jid.server === "hosted" ? "hosted.lid" : "lid"}`
}

/** The same device under a phone number. */
export function underPhone(jid: Jid, phone: string): string {
  return `${phone}:${jid.device}@${jid.server === "hosted.lid" ? "hosted" : "s.whatsapp.net"}`
}

export function phoneJid(jid: string): Jid | undefined {
  const parsed = parseJid(jid)
  return parsed && isPhoneJid(parsed) && parsed.user !== "" ? parsed : undefined
}

export function lidJid(jid: string): Jid | undefined {
  const parsed = parseJid(jid)
  return parsed && isLidJid(parsed) && parsed.user !== "" ? parsed : undefined
}
