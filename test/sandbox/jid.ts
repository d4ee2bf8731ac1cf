export type Addressing = "pn" | "lid"

export interface Jid {
  readonly user: string
  readonly device: number
  readonly server: string
}

const PEOPLE = "s.whatsapp.net"
/** The server itself: an address without a user, which is how it travels. */
export const SERVER = `@${PEOPLE}`

/** `user[:device]@server`. */
export function parseJid(text: string): Jid {
  const at = text.indexOf("@")
  if (at < 0) return { user: "", device: 0, server: text }
  const [name = "", device] = text.slice(0, at).split(":")
  const user = name.split("_")[0] ?? ""
  return { user, device: device === undefined ? 0 : Number(device), server: text.slice(at + 1) }
}

export function formatJid(user: string, addressing: Addressing, device = 0): string {
  const server = addressing === "lid" ? "lid" : PEOPLE
  return device === 0 ? `${user}@${server}` : `${user}:${device}@${server}`
}

export function isGroup(jid: string): boolean {
  return jid.endsWith("@g.us")
}

export function addressingOf(jid: string): Addressing {
  return jid.endsWith("@lid") ? "lid" : "pn"
}
