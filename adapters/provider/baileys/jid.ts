import type { ChatRef, PersonRef } from "../../../core/provider.ts"

/** The address forms of WhatsApp, as far as a provider has to tell them apart. */

export const PHONE_SERVER = "s.whatsapp.net"
export const LID_SERVER = "lid"
export const GROUP_SERVER = "g.us"

export interface Jid {
  readonly user: string
  /** 0 is the phone itself. */
  readonly device: number
  readonly server: string
}

const FORM = /^([^@:_]*)(?:_\d+)?(?::(\d+))?@([a-z.]+)$/

/** Takes `user[_agent][:device]@server` apart; undefined for anything else. */
export function parseJid(jid: string | undefined): Jid | undefined {
  const match = jid === undefined ? null : FORM.exec(jid)
  if (!match) return undefined
  const [, user = "", device, server = ""] = match
  return { user, device: device === undefined ? 0 : Number(device), server }
}

/** `c.us` is the old name of `s.whatsapp.net`; hosted devices are addressed by servers of their own. */
export function isPhoneJid(jid: Jid): boolean {
  return jid.server === PHONE_SERVER || jid.server === "c.us" || jid.server === "hosted"
}

export function isLidJid(jid: Jid): boolean {
  return jid.server === LID_SERVER || jid.server === "hosted.lid"
}

export function isGroupId(jid: string | undefined): boolean {
  return jid !== undefined && jid.endsWith(`@${GROUP_SERVER}`)
}

/** Status broadcasts and newsletters: nothing of them is stored, so nothing of them is decrypted. */
export function isIgnored(jid: string): boolean {
  return jid === "status@broadcast" || jid.endsWith("@newsletter")
}

/** The person that any of the addresses names; undefined when none is a person's. */
export function personOf(...jids: readonly (string | undefined)[]): PersonRef | undefined {
  let phone: string | null = null
  let lid: string | null = null
  for (const text of jids) {
    const jid = parseJid(text)
    if (!jid || jid.user === "") continue
    if (isPhoneJid(jid)) phone ??= jid.user
    else if (isLidJid(jid)) lid ??= jid.user
  }
  return phone === null && lid === null ? undefined : { phone, lid }
}

/** Where a message to the chat goes: the phone's address when it is known, since that is what the caller named. */
export function addressOf(chat: ChatRef): string {
  if (chat.kind === "group") return chat.group
  return chat.phone !== null ? `${chat.phone}@${PHONE_SERVER}` : `${chat.lid}@${LID_SERVER}`
}
