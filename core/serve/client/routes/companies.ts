// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions, RawBody, UploadOptions } from "../request.ts"
import type { Company, CompanyEntry, ImportReport } from "./schemas.ts"

export type CompaniesDeleteAnswer = {
  /** The company the call is for */
  readonly companyId: string
  readonly erased: true
  readonly unlinked: boolean
} | {
  /** The company the call is for */
  readonly companyId: string
  readonly erased: false
  readonly unlinked: boolean
  readonly pending: readonly string[]
}

export interface CompaniesExportQuery {
  /** With the auth state: whoever has it can be this line */
  readonly credentials?: "true" | "false" | undefined
}

export interface CompaniesImportBody {
  /** Files by name, such as `creds.json`: the whole folder */
  readonly files?: Readonly<Record<string, string>> | undefined
  /** Import whatever stands against it */
  readonly force?: boolean | undefined
  /** Find out everything, change nothing */
  readonly dryRun?: boolean | undefined
}

export interface CompaniesImportQuery {
  readonly force?: "true" | "false" | undefined
  readonly dryRun?: "true" | "false" | undefined
}

export interface CompaniesListQuery {
  /** How many items one page holds */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before */
  readonly cursor?: string | undefined
}

export interface CompaniesListAnswer {
  readonly success: true
  readonly data: readonly CompanyEntry[]
  /** Asks for the next page; null on the last */
  readonly nextCursor: string | null
}

export interface CompaniesPutBody {
  /** What people call the company */
  readonly name?: string | null | undefined
  /** The proxy through which the line reaches WhatsApp: an http, https or socks URL */
  readonly proxy?: string | null | undefined
  /** The store that holds the auth state; another one moves it there, and the line stays linked */
  readonly storage?: string | null | undefined
  /** Told in answers; so that an answer can be sent back */
  readonly move?: unknown
  /** Only the provider in force; others are not supported yet */
  readonly provider?: string | null | undefined
  /** The secret with which other systems sign their calls for this company, instead of the server's; a list of two while it changes, the newest first */
  readonly webhookSecret?: string | readonly string[] | null | undefined
  /** Numbers that the company neither writes to nor hears: numbers in international spelling, or ids ending in @s.whatsapp.net, @c.us or @lid */
  readonly blockedNumbers?: readonly string[] | undefined
  /** Pacing of this company, by the names of the plugin's settings; what is left out is as the server has it. Only the admin key sets it */
  readonly pacing?: {
    readonly enabled?: boolean | undefined
    readonly intervalMs?: number | undefined
    readonly jitter?: number | undefined
    readonly dailyCap?: number | undefined
    readonly firstContacts?: number | undefined
    /** The empty text for none */
    readonly quietHours?: string | undefined
    readonly timeZone?: string | undefined
    readonly recipientSpacingMs?: number | undefined
    readonly replyWindowMs?: number | undefined
  } | null | undefined
  /** Messages in a window of the server's length, or `{ limit, windowMs }`; null for the server's limit. Only the admin key sets it */
  readonly rateLimit?: number | {
    readonly limit: number
    readonly windowMs?: number | undefined
  } | null | undefined
  /** Not supported yet */
  readonly retentionDays?: unknown
}

export interface Companies {
  /**
   * Erase everything a company ever had. `DELETE /api/whatsapp/companies/{companyId}`
   *
   * Logs out at WhatsApp if the line is connected, and erases the auth state, messages, outbox, events and settings. A store that cannot be reached is erased as soon as it is back; until then the company cannot begin anew.
   *
   * Needs a key with the scope `admin`.
   */
  delete(companyId: string, options?: CallOptions): Promise<CompaniesDeleteAnswer>
  /**
   * Everything a company has, as JSON lines. `GET /api/whatsapp/companies/{companyId}/export`
   *
   * The first line says what it is, the last one counts the others and has the SHA-256 of every byte before it: an export without it was cut off. Credentials and the password of a proxy are part of it only with `credentials=true`, for the admin key; the line rests for a moment then. The event log notes each export.
   *
   * Needs a key with the scope `admin`.
   */
  export(companyId: string, query?: CompaniesExportQuery, options?: CallOptions): Promise<Response>
  /**
   * A company's settings. `GET /api/whatsapp/companies/{companyId}`
   *
   * Needs a key with the scope `read`.
   */
  get(companyId: string, options?: CallOptions): Promise<Company>
  /**
   * Make a company out of another program's folder, or out of an export. `POST /api/whatsapp/companies/{companyId}/import`
   *
   * `files` are those of Baileys' multi-file auth state. The company is linked afterwards and connects without a QR code. An export (application/x-ndjson) brings everything back that was in it; with its credentials the line, too. An import over a line that is connected, over another or a newer state of it, or over a company that is there, is refused without `force`.
   *
   * Needs a key with the scope `operator`.
   */
  import(companyId: string, body?: CompaniesImportBody | RawBody, query?: CompaniesImportQuery, options?: UploadOptions): Promise<ImportReport>
  /**
   * All companies. `GET /api/whatsapp/companies`
   *
   * A company's key sees its own company.
   *
   * Needs a key with the scope `read`.
   */
  list(query?: CompaniesListQuery, options?: CallOptions): Promise<CompaniesListAnswer>
  /**
   * Make a company, or change its settings. `PUT /api/whatsapp/companies/{companyId}`
   *
   * A field that is left out stays as it is; `null` takes it away. Only the admin key makes a company. The proxy that a company's own key sets must have a public address; one that the admin key set is changed by that key alone. A line that is under way connects anew when its proxy has changed. Another `storage` moves the auth state there: sends queue meanwhile, and the old store stays in charge until the copy has been verified.
   *
   * Needs a key with the scope `admin`.
   */
  put(companyId: string, body: CompaniesPutBody, options?: CallOptions): Promise<Company>
}
