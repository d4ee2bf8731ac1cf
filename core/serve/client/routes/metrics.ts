// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { CallOptions } from "../request.ts"
import type { Alert, AlertEvent, CompanyMetrics, GlobalMetrics, LatencySummary, MessageRate, TimeSeries } from "./schemas.ts"

export interface MetricsAlertHistoryQuery {
  /** How many items one page holds */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before */
  readonly cursor?: number | undefined
}

export interface MetricsAlertHistoryAnswer {
  readonly success: true
  readonly data: readonly AlertEvent[]
  /** Asks for the next page; null on the last */
  readonly nextCursor: string | null
  /** Milliseconds since the epoch */
  readonly timestamp: number
}

export interface MetricsAlertsAnswer {
  readonly success: true
  readonly alerts: readonly Alert[]
  readonly thresholds: Readonly<Record<string, number>>
  readonly hasAlerts: boolean
  /** Milliseconds since the epoch */
  readonly timestamp: number
}

export interface MetricsAllAnswer {
  readonly success: true
  readonly metrics: {
    /** Milliseconds */
    readonly uptime: number
    readonly global: GlobalMetrics
    /** By company */
    readonly companies: Readonly<Record<string, CompanyMetrics>>
  }
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsCompaniesAnswer {
  readonly success: true
  /** By company */
  readonly companies: Readonly<Record<string, CompanyMetrics>>
  readonly count: number
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsCompanyAnswer {
  readonly success: true
  readonly metrics: CompanyMetrics
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsExportAnswer {
  readonly success: true
  readonly export: {
    readonly global: GlobalMetrics
    /** By company */
    readonly companies: Readonly<Record<string, CompanyMetrics>>
    /** Milliseconds */
    readonly performance: { readonly messageLatency: LatencySummary; readonly sessionInitTime: LatencySummary; readonly reconnectTime: LatencySummary }
    /** Each metric over the last hour */
    readonly timeseries: {
      readonly messagesSent?: TimeSeries
      readonly messagesReceived?: TimeSeries
      readonly messagesFailed?: TimeSeries
      readonly messagesPerMinute?: TimeSeries
      readonly errors?: TimeSeries
      readonly activeSessions?: TimeSeries
      readonly memoryMb?: TimeSeries
    }
    readonly rate: MessageRate
    readonly alerts: readonly {
      readonly type: string
      readonly severity: string
      readonly message: string
      readonly value: number
      readonly threshold: number
      readonly since: string
      readonly companyId?: string
    }[]
  }
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsPerformanceAnswer {
  readonly success: true
  /** Milliseconds */
  readonly performance: { readonly messageLatency: LatencySummary; readonly sessionInitTime: LatencySummary; readonly reconnectTime: LatencySummary }
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsRateQuery {
  /** How far back, in milliseconds */
  readonly window?: number | undefined
}

export interface MetricsRateAnswer {
  readonly success: true
  readonly rate: MessageRate
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsResetAnswer {
  readonly success: true
  readonly reset: {
    /** From when on everything is counted anew */
    readonly at: string
    /** How many companies begin anew */
    readonly companies: number
  }
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface MetricsTimeseriesQuery {
  readonly metric?: "messagesSent" | "messagesReceived" | "messagesFailed" | "messagesPerMinute" | "errors" | "activeSessions" | "memoryMb" | undefined
  /** How far back, in milliseconds */
  readonly duration?: number | undefined
}

export interface MetricsTimeseriesAnswer {
  readonly success: true
  readonly metric: "messagesSent" | "messagesReceived" | "messagesFailed" | "messagesPerMinute" | "errors" | "activeSessions" | "memoryMb"
  /** Milliseconds */
  readonly duration: number
  readonly data: TimeSeries
  /** Milliseconds since 1970 */
  readonly timestamp: number
}

export interface Metrics {
  /**
   * What alerts of the whole server have been raised and resolved. `GET /api/whatsapp/metrics/alerts/history`
   *
   * Newest first. Those of a company are among its events.
   *
   * Needs a key with the scope `operator`.
   */
  alertHistory(query?: MetricsAlertHistoryQuery, options?: CallOptions): Promise<MetricsAlertHistoryAnswer>
  /**
   * Alerts that last. `GET /api/whatsapp/metrics/alerts`
   *
   * Judged now, whether alerts are sent or not.
   *
   * Needs a key with the scope `operator`.
   */
  alerts(options?: CallOptions): Promise<MetricsAlertsAnswer>
  /**
   * Counts of the whole server and of each company. `GET /api/whatsapp/metrics`
   *
   * Of their whole life, or since the last reset.
   *
   * Needs a key with the scope `operator`.
   */
  all(options?: CallOptions): Promise<MetricsAllAnswer>
  /**
   * Counts of each company. `GET /api/whatsapp/metrics/companies/all`
   *
   * A company's key sees its own company.
   *
   * Needs a key with the scope `read`.
   */
  companies(options?: CallOptions): Promise<MetricsCompaniesAnswer>
  /**
   * Counts of a company. `GET /api/whatsapp/metrics/{companyId}`
   *
   * Needs a key with the scope `read`.
   */
  company(companyId: string, options?: CallOptions): Promise<MetricsCompanyAnswer>
  /**
   * All figures at once. `GET /api/whatsapp/metrics/export`
   *
   * Needs a key with the scope `operator`.
   */
  export(options?: CallOptions): Promise<MetricsExportAnswer>
  /**
   * How long things take. `GET /api/whatsapp/metrics/performance`
   *
   * Of the latest 10,000 measurements of each kind, in milliseconds.
   *
   * Needs a key with the scope `operator`.
   */
  performance(options?: CallOptions): Promise<MetricsPerformanceAnswer>
  /**
   * All instruments, for Prometheus. `GET /metrics`
   *
   * The first `WHATSAPP_METRICS_COMPANIES` companies have series of their own; the others add to `other`.
   *
   * Needs a key with the scope `operator`.
   */
  prometheus(options?: CallOptions): Promise<string>
  /**
   * Messages sent and received in a time. `GET /api/whatsapp/metrics/rate`
   *
   * Needs a key with the scope `operator`.
   */
  rate(query?: MetricsRateQuery, options?: CallOptions): Promise<MetricsRateAnswer>
  /**
   * Begin all counts anew. `POST /api/whatsapp/metrics/reset`
   *
   * Sets a new zero for the counts and times that these routes show, for all companies at once. What Prometheus reads never goes back, and neither do `uptime` and the samples that have been taken.
   *
   * Needs a key with the scope `operator`.
   */
  reset(options?: CallOptions): Promise<MetricsResetAnswer>
  /**
   * A figure over time. `GET /api/whatsapp/metrics/timeseries`
   *
   * Sampled every `WHATSAPP_METRICS_INTERVAL` milliseconds and kept for 24 hours, over restarts.
   *
   * Needs a key with the scope `operator`.
   */
  timeseries(query?: MetricsTimeseriesQuery, options?: CallOptions): Promise<MetricsTimeseriesAnswer>
}
