// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program

export interface Alert {
  readonly type: "HIGH_ERROR_RATE" | "HIGH_DISCONNECT_RATE" | "HIGH_MEMORY" | "SESSION_FAILED"
  readonly severity: "warning" | "critical"
  readonly message: string
  /** A share of rates, MB of memory, 1 of a session */
  readonly value: number
  readonly threshold: number
  readonly since: string
  /** Of those that are one company's */
  readonly companyId?: string
}

export interface AlertEvent {
  readonly id: string
  readonly position: number
  readonly type: "alert.raised" | "alert.resolved"
  readonly timestamp: string
  readonly data: {
    readonly alertId: string
    readonly type: "HIGH_ERROR_RATE" | "HIGH_DISCONNECT_RATE" | "HIGH_MEMORY" | "SESSION_FAILED"
    readonly severity: "warning" | "critical"
    readonly message: string
    /** A share of rates, MB of memory, 1 of a session */
    readonly value: number
    readonly threshold: number
    readonly since: string
    /** Of those that are one company's */
    readonly companyId?: string
    readonly repeat?: number
  }
}

export interface ApiKey {
  /** The part of the key that is no secret */
  readonly keyId: string
  /** The company the key is for */
  readonly companyId: string
  readonly name: string
  readonly scopes: readonly ("send" | "read" | "session" | "admin")[]
  readonly state: "active" | "expired"
  readonly createdAt: string
  readonly expiresAt: string | null
  /** Exact to the hour over a restart */
  readonly lastUsedAt: string | null
}

export interface Company {
  /** The company the call is for */
  readonly companyId: string
  readonly name: string | null
  /** Its name and password are shown as `***` */
  readonly proxy: string | null
  /** The store that holds the company's auth state */
  readonly storage: string
  /** The last move of the auth state from store to store */
  readonly move: {
    readonly from: string
    readonly to: string
    readonly state: "waiting" | "copying" | "removing" | "undoing" | "done" | "failed"
    readonly startedAt: string
    readonly endedAt: string | null
    /** Records copied so far; null while none are being copied */
    readonly copied: number | null
    readonly total: number | null
    readonly error: {
      readonly code: string
      readonly message: string
      readonly details?: unknown
    } | null
  } | null
  readonly provider: string
  /** The secret with which other systems sign their calls for this company, instead of the server's; a list of two while it changes, the newest first */
  readonly webhookSecret: "***" | null
  /** Numbers that the company neither writes to nor hears: numbers in international spelling, or ids ending in @s.whatsapp.net, @c.us or @lid */
  readonly blockedNumbers: readonly string[]
  /** Pacing of this company, by the names of the plugin's settings; what is left out is as the server has it. Only the admin key sets it */
  readonly pacing: {
    readonly enabled?: boolean
    readonly intervalMs?: number
    readonly jitter?: number
    readonly dailyCap?: number
    readonly firstContacts?: number
    /** The empty text for none */
    readonly quietHours?: string
    readonly timeZone?: string
    readonly recipientSpacingMs?: number
    readonly replyWindowMs?: number
  } | null
  /** Messages in a window of the server's length, or `{ limit, windowMs }`; null for the server's limit. Only the admin key sets it */
  readonly rateLimit: number | {
    readonly limit: number
    readonly windowMs?: number
  } | null
}

export interface CompanyEntry {
  /** The company the call is for */
  readonly companyId: string
  readonly name: string | null
  readonly storage: string
  readonly provider: string
  readonly status: "idle" | "connecting" | "qr" | "pairing-code" | "passkey-required" | "connected" | "reconnecting" | "disconnected" | "qr-expired" | "logged-out" | "replaced" | "outdated" | "failed"
  readonly lastActivity: string | null
}

export interface CompanyMetrics {
  readonly companyId: string
  /** Milliseconds that its line has been connected without a break; 0 when it is not connected */
  readonly uptime: number
  readonly messages: { readonly sent: number; readonly received: number; readonly failed: number }
  readonly errors: {
    readonly total: number
    readonly rate: string
    /** Failed messages by class; they add up to `total` */
    readonly breakdown: { readonly TIMEOUT: number; readonly NETWORK: number; readonly AUTH: number; readonly OTHER: number }
  }
  readonly sessions: { readonly active: number; readonly connections: number; readonly disconnections: number }
  readonly media: { readonly sent: number; readonly received: number }
  readonly lastActivity: string | null
}

export interface Event {
  /** Stays the same over retries */
  readonly id: string
  /** 1, 2, 3 … within the company, without gaps */
  readonly position: number
  readonly type: string
  readonly companyId: string
  readonly timestamp: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface GlobalMetrics {
  readonly messagesSent: number
  readonly messagesReceived: number
  readonly sessions: { readonly active: number; readonly connections: number; readonly disconnections: number }
  readonly errors: {
    readonly total: number
    readonly rate: string
    /** Failed messages by class; they add up to `total` */
    readonly breakdown: { readonly TIMEOUT: number; readonly NETWORK: number; readonly AUTH: number; readonly OTHER: number }
  }
}

export interface ImportReport {
  /** The company the call is for */
  readonly companyId: string
  readonly dryRun: boolean
  /** Whose link it is; null for an export without credentials */
  readonly user: { readonly id: string; readonly phone: string | null; readonly lid: string | null; readonly name: string | null } | null
  /** Records by kind */
  readonly counts: Readonly<Record<string, number>>
  /** Files that could not be read and were left out */
  readonly skipped: readonly { readonly file: string; readonly message: string; readonly fatal: boolean }[]
  /** What `force` has overridden */
  readonly overridden: readonly { readonly code: string; readonly message: string }[]
}

export interface LatencySummary {
  readonly avg: number
  readonly min: number
  readonly max: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly samples: number
}

export interface Message {
  readonly messageId: string
  readonly providerMessageId: string | null
  readonly companyId: string
  readonly chatId: string
  readonly direction: "inbound" | "outbound"
  readonly origin: "api" | "phone" | "contact"
  readonly phone: string | null
  readonly lid: string | null
  readonly group: string | null
  readonly type: "text" | "unsupported"
  readonly message: string | null
  readonly status: "queued" | "sent" | "delivered" | "read" | "failed" | "unknown" | "received"
  readonly times: {
    readonly queued: string | null
    readonly sent: string | null
    readonly delivered: string | null
    readonly read: string | null
    readonly failed: string | null
    readonly received: string | null
  }
  readonly error: {
    readonly code: string
    readonly message: string
    readonly details?: unknown
  } | null
  /** Why a queued message is held back, and when it is looked at again */
  readonly held: { readonly reason: string | null; readonly until: string } | null
}

export interface MessageRate {
  readonly messagesPerSecond: number
  readonly messagesPerMinute: number
  /** Milliseconds */
  readonly window: number
}

export interface SessionStatus {
  readonly companyId: string
  readonly status: "idle" | "connecting" | "qr" | "pairing-code" | "passkey-required" | "connected" | "reconnecting" | "disconnected" | "qr-expired" | "logged-out" | "replaced" | "outdated" | "failed"
  readonly connected: boolean
  readonly user: { readonly id: string; readonly phone: string | null; readonly lid: string | null; readonly name: string | null } | null
  readonly connectedAt: string | null
  readonly lastActivity: string | null
  readonly lastProofAt: string | null
  readonly reconnectAttempts: number
  readonly restriction: { readonly kind: string; readonly until: string | null } | null
  readonly lastError: { readonly code: string; readonly message: string; readonly at: string } | null
  readonly provider: string
  readonly storage: string
}

export type TimeSeries = readonly {
  readonly timestamp: number
  readonly value: number
}[]
