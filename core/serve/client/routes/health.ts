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
  readonly checks: Readonly<Record<string, {
    readonly ok: boolean
    readonly detail?: string
  }>>
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
   * Able to serve. `GET /readyz`
   *
   * Storage is open and no shutdown has begun. Sessions that are still coming back do not hold it back.
   *
   * Needs no key.
   */
  ready(options?: CallOptions): Promise<HealthAliveAnswer>
}
