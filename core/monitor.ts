/** Port: the figures of the house itself, for plugins that show or judge them. */

export const ERROR_CLASSES = ["TIMEOUT", "NETWORK", "AUTH", "OTHER"] as const
export type ErrorClass = (typeof ERROR_CLASSES)[number]

/** What was counted in the life of a company, or of the house. Each is written in the commit of what it counts. */
export interface Totals {
  /** Acknowledged by WhatsApp. */
  readonly sent: number
  /** From persons and groups, live and offline, once each. */
  readonly received: number
  /** Messages that failed for good. */
  readonly failed: number
  /** Inbound messages dropped because their sender is blocked. */
  readonly blocked: number
  /** How often a line came to be connected. */
  readonly connections: number
  /** How often a line that was connected ceased to be, whoever ended it; a server that stops or is killed has not. */
  readonly disconnections: number
  /** Of those sent and received, with an attachment. */
  readonly mediaSent: number
  readonly mediaReceived: number
  /** Failed messages by class; they add up to `failed`. */
  readonly errors: Readonly<Record<ErrorClass, number>>
}

/** Of the latest measurements, in ms; 0 where there is none. */
export interface LatencySummary {
  readonly avg: number
  readonly min: number
  readonly max: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly samples: number
}

export interface Latencies {
  /** From handing a message to the provider until WhatsApp has acknowledged it. */
  readonly messageLatency: LatencySummary
  /** From the beginning of a session until it is connected, where nobody had to link it meanwhile. */
  readonly sessionInitTime: LatencySummary
  /** From the loss of a connection until there is one again. */
  readonly reconnectTime: LatencySummary
}

export interface MonitorView {
  /** False: WHATSAPP_METRICS_ENABLED is off, nothing is counted, and all figures are 0. */
  readonly enabled: boolean
  /** Of all companies, erased ones among them. Plain values that nothing changes later. */
  totals(): Totals
  /** Of one company; undefined for one that is not known. */
  of(company: string): Totals | undefined
  /** Every company there is, in no order. */
  companies(): readonly string[]
  latencies(): Latencies
  /** Forgets the measurements of `latencies`. */
  clearLatencies(): void
}
