// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface ContactsCheckQuery {
  readonly phone: string
}

export interface ContactsCheckAnswer {
  readonly exists: boolean
  readonly jid: string | null
  /** As in a message, where WhatsApp tells it */
  readonly lid: string | null
}

export interface Contacts {
  /**
   * Whether a phone is on WhatsApp. `GET /api/whatsapp/contacts/{companyId}/check`
   *
   * Asks WhatsApp each time; asking for many strangers in a row can cost the account its good name.
   *
   * Needs a key with the scope `send`.
   */
  check(companyId: string, query: ContactsCheckQuery, options?: CallOptions): Promise<ContactsCheckAnswer>
}
