// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"
import type { Event } from "./schemas.ts"

export interface EventsListQuery {
  /** The last position you have */
  readonly after?: number | undefined
  /** `nextCursor` of the page before; stands for `after` */
  readonly cursor?: number | undefined
  /** How many items one page holds */
  readonly limit?: number | undefined
}

export interface EventsListAnswer {
  readonly success: true
  readonly data: readonly Event[]
  /** Asks for the next page; null on the last */
  readonly nextCursor: string | null
}

export interface Events {
  /**
   * Events after a position, oldest first. `GET /api/whatsapp/events/{companyId}`
   *
   * Needs a key with the scope `read`.
   */
  list(companyId: string, query?: EventsListQuery, options?: CallOptions): Promise<EventsListAnswer>
}
