// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"

export interface HealthAliveAnswer {
  readonly status: string
}

export interface HealthGetAnswer {
  readonly status: "healthy" | "degraded" | "unhealthy"
  readonly provider: string
  readonly totalSessions: number
  readonly connectedSessions: number
  /** Milliseconds */
  readonly uptime: number
  /** The last results, by name; empty without active checks */
  readonly checks: Readonly<Record<string, {
    readonly ok: boolean
    readonly detail?: string
  }>>
}

export interface HealthMetricsAnswer {
  readonly success: true
  readonly status: "healthy" | "degraded" | "unhealthy"
  /** The last results, by name; empty without active checks */
  readonly checks: Readonly<Record<string, {
    readonly ok: boolean
    readonly detail?: string
  }>>
  /** By company: every one that has or has had a session here */
  readonly sessions: Readonly<Record<string, { readonly status: string; readonly connected: boolean; readonly lastProofAt: string | null }>>
  /** As in `GET /api/whatsapp/metrics`; null while metrics are off */
  readonly metrics: Readonly<Record<string, unknown>> | null
  /** As in `GET /api/whatsapp/metrics/alerts`; null where nobody computes any */
  readonly alerts: readonly { readonly type: string; readonly severity: string; readonly message: string }[] | null
  readonly system: {
    /** Milliseconds */
    readonly uptime: number
    readonly memory: {
      /** Bytes */
      readonly rss: number
      /** Bytes */
      readonly heapUsed: number
    }
    /** Percent of one core over the last period */
    readonly cpu: number
    /** Milliseconds by which 99 of 100 turns of the last period were late at most */
    readonly eventLoopDelay: number
    /** Of the data folder's disk; null where it cannot be told */
    readonly disk: {
      /** Bytes */
      readonly free: number
      /** Bytes */
      readonly total: number
    } | null
  }
  /** Milliseconds since the epoch */
  readonly timestamp: number
}

export interface Health {
  /**
   * Alive. `GET /healthz`
   *
   * Needs no key.
   */
  alive(options?: CallOptions): Promise<HealthAliveAnswer>
  /**
   * Health. `GET /api/whatsapp/health`
   *
   * A company's key sees its own line.
   *
   * Needs a key with the scope `read`.
   */
  get(options?: CallOptions): Promise<HealthGetAnswer>
  /**
   * Health with metrics. `GET /api/whatsapp/health/metrics`
   *
   * Everything at a glance: checks, the session of each company, figures, alerts, and what the process uses.
   *
   * Needs a key with the scope `operator`.
   */
  metrics(options?: CallOptions): Promise<HealthMetricsAnswer>
  /**
   * Able to serve. `GET /readyz`
   *
   * Storage is open and no shutdown has begun. Sessions that are still coming back do not hold it back.
   *
   * Needs no key.
   */
  ready(options?: CallOptions): Promise<HealthAliveAnswer>
}
