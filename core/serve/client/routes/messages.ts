// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions, SendOptions } from "../request.ts"
import type { Message } from "./schemas.ts"

export interface MessagesListQuery {
  /** How many items one page holds */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined
  /** A phone, LID or group: messages of that chat alone */
  readonly phone?: string | undefined
  readonly direction?: "inbound" | "outbound" | undefined
  readonly status?: "queued" | "sent" | "delivered" | "read" | "failed" | "unknown" | "received" | undefined
  readonly since?: string | undefined
  readonly until?: string | undefined
}

export interface MessagesListAnswer {
  readonly success: true
  readonly data: readonly Message[]
  /** Asks for the next page; null on the last */
  readonly nextCursor: string | null
}

export interface MessagesSendBody {
  /** The recipient's phone in international spelling, with or without `+`, `00` and punctuation */
  readonly phone?: string | undefined
  /** Instead of `phone`: a phone, or an id ending in `@s.whatsapp.net` (`@c.us`), `@lid` or `@g.us` */
  readonly to?: string | undefined
  readonly type?: "text" | undefined
  /** The text */
  readonly message?: string | undefined
  /** Seconds the message may wait before it fails with EXPIRED */
  readonly ttl?: number | undefined
}

export interface MessagesSendAnswer {
  readonly messageId: string
  /** The company the call is for */
  readonly companyId: string
  readonly to: string
  readonly status: "sent" | "queued" | "unknown"
  readonly timestamp: string
  readonly sanitized?: boolean
}

export interface MessagesSendShortBody {
  /** The company the call is for; required in multi-tenant mode */
  readonly companyId?: string | null | undefined
  /** The recipient's phone in international spelling, with or without `+`, `00` and punctuation */
  readonly phone?: string | undefined
  /** Instead of `phone`: a phone, or an id ending in `@s.whatsapp.net` (`@c.us`), `@lid` or `@g.us` */
  readonly to?: string | undefined
  readonly type?: "text" | undefined
  /** The text */
  readonly message?: string | undefined
  /** Seconds the message may wait before it fails with EXPIRED */
  readonly ttl?: number | undefined
}

export interface Messages {
  /**
   * One message. `GET /api/whatsapp/messages/{companyId}/{messageId}`
   *
   * Needs a key with the scope `read`.
   */
  get(companyId: string, messageId: string, options?: CallOptions): Promise<Message>
  /**
   * Messages, newest first. `GET /api/whatsapp/messages/{companyId}`
   *
   * A page may be short although more follow: go on until `nextCursor` is null.
   *
   * Needs a key with the scope `read`.
   */
  list(companyId: string, query?: MessagesListQuery, options?: CallOptions): Promise<MessagesListAnswer>
  /**
   * Send a message. `POST /api/whatsapp/companies/{companyId}/messages`
   *
   * 200 once WhatsApp has acknowledged it; 202 when it is stored and will be sent. Send `Idempotency-Key` to make a retry safe, and `Prefer: respond-async` not to wait.
   *
   * Needs a key with the scope `send`.
   */
  send(companyId: string, body: MessagesSendBody, options?: SendOptions): Promise<MessagesSendAnswer>
  /**
   * Send a message. `POST /api/whatsapp/send`
   *
   * 200 once WhatsApp has acknowledged it; 202 when it is stored and will be sent. Send `Idempotency-Key` to make a retry safe, and `Prefer: respond-async` not to wait.
   *
   * Needs a key with the scope `send`.
   */
  sendShort(body: MessagesSendShortBody, options?: SendOptions): Promise<MessagesSendAnswer>
}
