// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface EncryptionProgressAnswer {
  readonly state: "idle" | "running" | "done" | "failed"
  readonly startedAt: string | null
  readonly endedAt: string | null
  readonly companies: { readonly total: number; readonly done: number; readonly failed: number }
  readonly records: number
  readonly failures: readonly { readonly companyId: string; readonly code: string; readonly message: string }[]
}

export interface Encryption {
  /**
   * How far sealing anew is. `GET /api/whatsapp/encryption/reseal`
   *
   * Needs a key with the scope `operator`.
   */
  progress(options?: CallOptions): Promise<EncryptionProgressAnswer>
  /**
   * Seal everything under the newest key. `POST /api/whatsapp/encryption/reseal`
   *
   * Goes on beside the lines; called again while it does, it answers how far that is. Afterwards records that are plain, or sealed under an older key, are refused as damaged.
   *
   * Needs a key with the scope `operator`.
   */
  reseal(options?: CallOptions): Promise<EncryptionProgressAnswer>
}
