import type { AuthenticationCreds, WASocket } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { appError } from "../../../core/errors.ts"
import type { Connection } from "../../../core/provider.ts"
import { isLidJid, parseJid } from "./jid.ts"
import { inTime } from "./questions.ts"
import type { Recipients } from "./recipients.ts"

/** What a line can say and ask beside messages. Each ends within its deadline. */
export type Courtesies = Required<Pick<Connection, "lookup" | "presence">>

export interface CourtesiesOptions {
  readonly sock: WASocket
  readonly creds: AuthenticationCreds
  readonly recipients: Recipients
  readonly clock: Clock
}

export function createCourtesies({ sock, creds, recipients, clock }: CourtesiesOptions): Courtesies {
  return {
    lookup: (phone, timeoutMs) => inTime(clock, recipients.ask(phone), timeoutMs),

    async presence(presence, timeoutMs) {
      if (!("to" in presence)) {
        // Baileys 7.0.0-rc14 leaves out a presence without the account's name, with a warning in its own log.
        if (!creds.me?.name) {
          throw appError("MESSAGE_SEND_ERROR", {
            message: "WhatsApp has not told this account's name yet, without which it takes no presence",
          })
        }
        return inTime(clock, sock.sendPresenceUpdate(presence.state), timeoutMs)
      }
      const jid = await inTime(clock, recipients.locate(presence.to), timeoutMs)
      if (jid === undefined) throw appError("NOT_ON_WHATSAPP")
      const parsed = parseJid(jid)
      if (parsed !== undefined && isLidJid(parsed) && !creds.me?.lid) {
        throw appError("MESSAGE_SEND_ERROR", { message: "WhatsApp has not told this account's LID yet" })
      }
      return inTime(clock, sock.sendPresenceUpdate(presence.state, jid), timeoutMs)
    },
  }
}
