// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"
import type { ApiKey } from "./schemas.ts"

export interface KeysCreateBody {
  /** What it is for */
  readonly name: string
  readonly scopes: readonly ("send" | "read" | "session" | "admin")[]
  /** When it ends; without it the key does not end */
  readonly expiresAt?: string | undefined
}

export type KeysCreateAnswer = ApiKey & {
  /** The key itself: shown now and never again */
  readonly key: string
}

export interface KeysListQuery {
  /** How many items one page holds */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined
}

export interface KeysListAnswer {
  readonly success: true
  readonly data: readonly ApiKey[]
  readonly nextCursor: string | null
}

export interface KeysRevokeAnswer {
  /** The part of the key that is no secret */
  readonly keyId: string
  /** The company the key is for */
  readonly companyId: string
  readonly revoked: true
}

export interface Keys {
  /**
   * Make a key of a company. `POST /api/whatsapp/companies/{companyId}/keys`
   *
   * The key is shown in this answer and nowhere else. `admin` opens all that the other scopes open. A company has at most 100 keys. With the admin key, the first key makes the company.
   *
   * Needs a key with the scope `admin`.
   */
  create(companyId: string, body: KeysCreateBody, options?: CallOptions): Promise<KeysCreateAnswer>
  /**
   * The keys of a company. `GET /api/whatsapp/companies/{companyId}/keys`
   *
   * Oldest first; what opens with them is never shown again.
   *
   * Needs a key with the scope `admin`.
   */
  list(companyId: string, query?: KeysListQuery, options?: CallOptions): Promise<KeysListAnswer>
  /**
   * Revoke a key. `DELETE /api/whatsapp/companies/{companyId}/keys/{keyId}`
   *
   * It counts no more as soon as this is answered. A key may revoke itself.
   *
   * Needs a key with the scope `admin`.
   */
  revoke(companyId: string, keyId: string, options?: CallOptions): Promise<KeysRevokeAnswer>
}
