import type { AuthenticationCreds } from "@whiskeysockets/baileys"
import type { PersonRef } from "../../../core/provider.ts"
import { parseJid, personOf } from "./jid.ts"
import type { LidMapping } from "./signal/lid-mapping.ts"

/** Who is who on one line: addresses of stanzas turned into persons, with both names wherever they are known here. */
export interface People {
  own(): PersonRef
  isOwn(jid: string | undefined): boolean
  /** Undefined when no address is a person's. Asks nobody. */
  person(...jids: readonly (string | undefined)[]): Promise<PersonRef | undefined>
}

export function createPeople(creds: AuthenticationCreds, lids: LidMapping): People {
  const own = (): PersonRef => personOf(creds.me?.id, creds.me?.lid) ?? { phone: null, lid: null }
  return {
    own,
    isOwn(jid) {
      const user = parseJid(jid)?.user
      const { phone, lid } = own()
      return user !== undefined && (user === phone || user === lid)
    },
    async person(...jids) {
      const found = personOf(...jids)
      if (!found) return undefined
      const { phone, lid } = found
      if (phone !== null && lid === null) return { phone, lid: (await lids.lidUserOf(phone)) ?? null }
      if (lid !== null && phone === null) return { lid, phone: (await lids.phoneOf(lid)) ?? null }
      return found
    },
  }
}
