// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface WebhooksMakeInboundSecretBody {
  /** How long the former secret stays valid; 0 ends it at once */
  readonly overlapSeconds?: number | undefined
}

export interface WebhooksMakeInboundSecretAnswer {
  readonly companyId: string
  /** Shown this once */
  readonly secret: string
  /** Null: there is none, or it is not valid any more */
  readonly formerValidUntil: string | null
}

export interface Webhooks {
  /**
   * Make the secret with which another system signs its calls. `POST /api/whatsapp/companies/{companyId}/webhook-secret`
   *
   * The new secret is shown once and counts at once; the one before it stays valid for the overlap, so that no call is refused while the other system changes over. Called twice, the first of three is gone.
   *
   * Needs a key with the scope `admin`.
   */
  makeInboundSecret(companyId: string, body?: WebhooksMakeInboundSecretBody, options?: CallOptions): Promise<WebhooksMakeInboundSecretAnswer>
}
