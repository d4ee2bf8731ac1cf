// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions, RawBody, UploadOptions } from "../request.ts"

export interface BlocklistAddBody {
  readonly phone?: string | undefined
  readonly numbers?: readonly string[] | undefined
}

export interface BlocklistAddAnswer {
  readonly added: number
  /** On the list already, or given twice, in whatever spelling */
  readonly duplicates: number
  /** Numbers on the list afterwards */
  readonly total: number
}

export interface BlocklistImportQuery {
  readonly dryRun?: "true" | "false" | undefined
}

export interface BlocklistImportAnswer {
  readonly dryRun: boolean
  /** Numbers that were not on the list */
  readonly accepted: number
  /** Numbers on the list already, or given twice, in whatever spelling */
  readonly duplicates: number
  /** Lines that are no number; nothing of them is kept */
  readonly rejected: number
  /** The first 100 of those */
  readonly faults: readonly {
    /** Line of the text, or place in the list, from 1 */
    readonly line: number
    readonly message: string
  }[]
  /** Numbers on the list afterwards */
  readonly total: number
}

export interface BlocklistListQuery {
  /** How many items one page holds */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined
}

export interface BlocklistListAnswer {
  readonly success: true
  readonly data: readonly {
    /** As it stands on the list */
    readonly number: string
    readonly phone: string | null
    readonly lid: string | null
  }[]
  /** Asks for the next page; null on the last */
  readonly nextCursor: string | null
}

export interface BlocklistRemoveAnswer {
  readonly removed: number
  /** Numbers on the list afterwards */
  readonly total: number
}

export interface Blocklist {
  /**
   * Block numbers. `POST /api/whatsapp/companies/{companyId}/blocklist`
   *
   * One in `phone`, or up to 1000 in `numbers`: all of them, or none when one is wrong.
   *
   * Needs a key with the scope `admin`.
   */
  add(companyId: string, body: BlocklistAddBody, options?: CallOptions): Promise<BlocklistAddAnswer>
  /**
   * Block many numbers. `POST /api/whatsapp/companies/{companyId}/blocklist/import`
   *
   * A JSON list (or `numbers`), or a text with one number a line as `text/plain`, or as `text/csv` in the first column. What is a number is taken, and each line that is none is named; `dryRun=true` tells the same and changes nothing.
   *
   * Needs a key with the scope `admin`.
   */
  import(companyId: string, body: readonly string[] | RawBody, query?: BlocklistImportQuery, options?: UploadOptions): Promise<BlocklistImportAnswer>
  /**
   * The company's blocklist. `GET /api/whatsapp/companies/{companyId}/blocklist`
   *
   * Sorted by number. What the operator has blocked for all companies is not listed.
   *
   * Needs a key with the scope `admin`.
   */
  list(companyId: string, query?: BlocklistListQuery, options?: CallOptions): Promise<BlocklistListAnswer>
  /**
   * Unblock a number. `DELETE /api/whatsapp/companies/{companyId}/blocklist/{phone}`
   *
   * In any spelling. What the operator has blocked for all companies stays blocked.
   *
   * Needs a key with the scope `admin`.
   */
  remove(companyId: string, phone: string, options?: CallOptions): Promise<BlocklistRemoveAnswer>
}
