// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface PresenceSetBody {
  readonly presence: "available" | "unavailable" | "composing" | "recording" | "paused"
  /** The chat, as in a send; needed for `composing`, `recording` and `paused` */
  readonly to?: string | undefined
}

export interface PresenceSetAnswer {
  /** The company the call is for */
  readonly companyId: string
  readonly presence: "available" | "unavailable" | "composing" | "recording" | "paused"
  readonly to: string | null
}

export interface Presence {
  /**
   * Show the account as online, typing or recording. `POST /api/whatsapp/presence/{companyId}`
   *
   * WhatsApp confirms no presence: the answer says that it has been written.
   *
   * Needs a key with the scope `send`.
   */
  set(companyId: string, body: PresenceSetBody, options?: CallOptions): Promise<PresenceSetAnswer>
}
