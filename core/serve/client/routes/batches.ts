// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions, SendOptions } from "../request.ts"

export interface BatchesGetAnswer {
  readonly batchId: string
  readonly accepted: number
  readonly rejected: readonly {
    /** The message's place in the request, from 0 */
    readonly index: number
    readonly error: {
      readonly code: string
      readonly message: string
      readonly details?: unknown
      readonly isRetryable: boolean
      readonly retryAfter?: number
    }
  }[]
  /** The company the call is for */
  readonly companyId: string
  readonly createdAt: string
  /** The accepted messages by their status */
  readonly counts: { readonly queued: number; readonly sent: number; readonly delivered: number; readonly read: number; readonly failed: number; readonly unknown: number }
  /** None of them waits any more */
  readonly done: boolean
}

export interface BatchesSendBody {
  /** The company the call is for; required in multi-tenant mode */
  readonly companyId?: string | null | undefined
  /** Messages as in a single send, without `companyId` */
  readonly messages: readonly unknown[]
}

export interface BatchesSendAnswer {
  readonly batchId: string
  readonly accepted: number
  readonly rejected: readonly {
    /** The message's place in the request, from 0 */
    readonly index: number
    readonly error: {
      readonly code: string
      readonly message: string
      readonly details?: unknown
      readonly isRetryable: boolean
      readonly retryAfter?: number
    }
  }[]
}

export interface BatchesStopAnswer {
  readonly batchId: string
  readonly accepted: number
  readonly rejected: readonly {
    /** The message's place in the request, from 0 */
    readonly index: number
    readonly error: {
      readonly code: string
      readonly message: string
      readonly details?: unknown
      readonly isRetryable: boolean
      readonly retryAfter?: number
    }
  }[]
  /** The company the call is for */
  readonly companyId: string
  readonly createdAt: string
  /** The accepted messages by their status */
  readonly counts: { readonly queued: number; readonly sent: number; readonly delivered: number; readonly read: number; readonly failed: number; readonly unknown: number }
  /** None of them waits any more */
  readonly done: boolean
  readonly stopped: number
}

export interface Batches {
  /**
   * How far a batch is. `GET /api/whatsapp/send/batch/{batchId}`
   *
   * Needs a key with the scope `send`.
   */
  get(batchId: string, options?: CallOptions): Promise<BatchesGetAnswer>
  /**
   * Send up to 1,000 messages. `POST /api/whatsapp/send/batch`
   *
   * Each message is checked like a single one; those that are refused are named with their place, the others are stored and sent in their order. Send `Idempotency-Key` to make a retry safe.
   *
   * Needs a key with the scope `send`.
   */
  send(body: BatchesSendBody, options?: SendOptions): Promise<BatchesSendAnswer>
  /**
   * Stop what has not gone. `DELETE /api/whatsapp/send/batch/{batchId}`
   *
   * Messages that have never been tried fail with `CANCELLED`. One that may have gone out is left to arrive, and is counted as it stands.
   *
   * Needs a key with the scope `send`.
   */
  stop(batchId: string, options?: CallOptions): Promise<BatchesStopAnswer>
}
