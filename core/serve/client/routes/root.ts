// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface DiagnoseBody {
  /** The company the call is for; required in multi-tenant mode */
  readonly companyId?: string | null | undefined
  /** The recipient, as in a send */
  readonly phone?: string | undefined
}

export interface DiagnoseAnswer {
  readonly companyId: string
  /** Where a message would go; null when that cannot be read */
  readonly phone: string | null
  /** A message sent now would go out at once */
  readonly wouldSend: boolean
  /** One sentence */
  readonly summary: string
  /** Each thing that was looked at, always in the same order */
  readonly findings: readonly { readonly check: string; readonly ok: boolean; readonly detail: string }[]
}

export interface Root {
  /**
   * Why a message would or would not get through. `POST /api/whatsapp/diagnose`
   *
   * Nothing is sent, stored or counted. The line is asked for a sign of life, and WhatsApp once whether it knows the number.
   *
   * Needs a key with the scope `send`.
   */
  diagnose(body: DiagnoseBody, options?: CallOptions): Promise<DiagnoseAnswer>
}
