// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions, StreamOptions } from "../request.ts"
import type { LiveCode } from "../stream.ts"
import type { Event, SessionStatus } from "./schemas.ts"

export interface SessionsDeleteAnswer {
  /** The company the call is for */
  readonly companyId: string
  readonly deleted: true
  /** WhatsApp has been told; false when the line was not connected */
  readonly unlinked: boolean
}

export interface SessionsEventsQuery {
  /** The last position you have */
  readonly after?: number | undefined
}

export interface SessionsInitializeBody {
  /** Link by a code typed on the phone instead of a QR code */
  readonly usePairingCode?: boolean | null | undefined
  /** The phone to link; needed for a pairing code */
  readonly phoneNumber?: string | undefined
}

export type SessionsInitializeAnswer = SessionStatus & {
  /** The text of the QR code to scan */
  readonly qr?: string
  readonly pairingCode?: string
}

export interface SessionsListQuery {
  /** How many items one page holds */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined
}

export interface SessionsListAnswer {
  readonly success: true
  readonly data: Readonly<Record<string, SessionStatus>>
  readonly summary: { readonly total: number; readonly connected: number }
  /** Asks for the next page; null on the last */
  readonly nextCursor: string | null
}

export type SessionsLogoutAnswer = SessionStatus & {
  /** WhatsApp has been told; false when the line was not connected */
  readonly unlinked: boolean
}

export interface SessionsPairingCodeBody {
  /** The phone to link */
  readonly phoneNumber?: string | undefined
}

export interface SessionsPairingCodeAnswer {
  readonly code: string
  /** Seconds */
  readonly expiresIn: number
  readonly phoneNumber: string
}

export interface SessionsQrQuery {
  /** Seconds to wait for a code, at most 60 */
  readonly wait?: number | undefined
}

export interface SessionsQrAnswer {
  readonly qr: string
  readonly attempts: number
  readonly maxAttempts: number
  readonly expiresAt: string
}

export interface Sessions {
  /**
   * Log out if possible and erase the session. `DELETE /api/whatsapp/sessions/{companyId}`
   *
   * Needs a key with the scope `session`.
   */
  delete(companyId: string, options?: CallOptions): Promise<SessionsDeleteAnswer>
  /**
   * Close the connection and keep the credentials. `POST /api/whatsapp/sessions/{companyId}/disconnect`
   *
   * Needs a key with the scope `session`.
   */
  disconnect(companyId: string, options?: CallOptions): Promise<SessionStatus>
  /**
   * Events as they happen, as server-sent events. `GET /api/whatsapp/sessions/{companyId}/events`
   *
   * `Last-Event-ID` (or `?after=`) resumes after that position, without a gap or a repeat; without it the stream begins now. A comment comes every 15 s. A key with the scope `session` also gets `session.qr.code` and `session.pairing-code.code`, which carry the code, have no id and are never stored. The stream ends with the key.
   *
   * Needs a key with the scope `read`.
   */
  events(companyId: string, query?: SessionsEventsQuery, options?: StreamOptions): AsyncGenerator<Event | LiveCode, void, void>
  /**
   * The status of a session. `GET /api/whatsapp/sessions/{companyId}`
   *
   * Needs a key with the scope `read`.
   */
  get(companyId: string, options?: CallOptions): Promise<SessionStatus>
  /**
   * Start or resume a session. `POST /api/whatsapp/sessions/{companyId}/initialize`
   *
   * Waits at most 30 s until there is a QR code, a pairing code or a connection. Called again it shows the same session.
   *
   * Needs a key with the scope `session`.
   */
  initialize(companyId: string, body?: SessionsInitializeBody, options?: CallOptions): Promise<SessionsInitializeAnswer>
  /**
   * All sessions, by company. `GET /api/whatsapp/sessions`
   *
   * A company's key sees its own company.
   *
   * Needs a key with the scope `read`.
   */
  list(query?: SessionsListQuery, options?: CallOptions): Promise<SessionsListAnswer>
  /**
   * Unlink at WhatsApp and erase the credentials. `POST /api/whatsapp/sessions/{companyId}/logout`
   *
   * Needs a key with the scope `session`.
   */
  logout(companyId: string, options?: CallOptions): Promise<SessionsLogoutAnswer>
  /**
   * A code to type on the phone. `POST /api/whatsapp/sessions/{companyId}/pairing-code`
   *
   * Only a code that WhatsApp has accepted. The phone shows where to type it under Linked devices.
   *
   * Needs a key with the scope `session`.
   */
  pairingCode(companyId: string, body: SessionsPairingCodeBody, options?: CallOptions): Promise<SessionsPairingCodeAnswer>
  /**
   * The QR code to scan now. `GET /api/whatsapp/sessions/{companyId}/qr`
   *
   * As JSON, or as a picture with `Accept: image/png`, `image/svg+xml` or `text/plain`; browsers get a picture. Never cached, never stored.
   *
   * Needs a key with the scope `session`.
   */
  qr(companyId: string, query?: SessionsQrQuery, options?: CallOptions): Promise<SessionsQrAnswer>
  /**
   * Close the connection and connect anew. `POST /api/whatsapp/sessions/{companyId}/restart`
   *
   * Needs a key with the scope `session`.
   */
  restart(companyId: string, options?: CallOptions): Promise<SessionStatus>
  /**
   * The status of a session. `GET /api/whatsapp/sessions/{companyId}/status`
   *
   * Needs a key with the scope `read`.
   */
  status(companyId: string, options?: CallOptions): Promise<SessionStatus>
}
