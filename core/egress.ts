import type { Clock } from "./clock.ts"
import type { Logger } from "./log.ts"

/**
 * Port: the one way out to a URL that a user gave. Every address is judged before anything connects to it: literals in
 * any notation, every address a name resolves to, the peer that was reached, and each redirect anew.
 */
export interface Egress {
  /** Why nothing may be fetched from this URL now, or undefined. Resolves its host; connects to nothing. */
  judge(url: string, rules?: UrlRules): Promise<UrlFault | undefined>
  /** Rejects with a `UrlRefused` for what may not be reached, and with an AppError for what failed on the way. */
  fetch(url: string, request?: EgressRequest): Promise<EgressAnswer>
  /**
   * Where a proxy that a company set may be reached: its host resolved, every address judged. Connect to `address`, and
   * use the host of the URL for nothing but TLS. Rejects with a `UrlRefused`.
   */
  resolve(url: string, rules?: UrlRules): Promise<ResolvedHost>
}

export interface EgressOptions {
  /** URLs that companies set may lead to private addresses. */
  readonly allowPrivate: boolean
  readonly clock: Clock
  readonly log: Logger
}

export interface UrlRules {
  /** Default: `http:` and `https:`. */
  readonly schemes?: readonly string[]
  /** True: the operator gave this URL, who may name a private address. */
  readonly trusted?: boolean
  /** True: whatever port; default 80, 443 and those above 1023. */
  readonly anyPort?: boolean
}

/** Never holds the URL or the address: they may carry credentials, and the address tells about the network inside. */
export interface UrlFault {
  readonly reason: "syntax" | "scheme" | "credentials" | "port" | "unresolved" | "address" | "redirects"
  /** A sentence for whoever gave the URL. */
  readonly message: string
}

export interface EgressRequest extends UrlRules {
  readonly method?: "GET" | "POST"
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** A proxy to go through, with its credentials; `trustedProxy` when the operator set it. */
  readonly proxy?: string
  readonly trustedProxy?: boolean
  /** Redirects that are followed, each judged anew; default 0. */
  readonly redirects?: number
  /** Largest body, after decompression; default 1 MiB. */
  readonly limit?: number
  /** Ms for the whole, to the last byte; default 15,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface EgressAnswer {
  readonly status: number
  readonly headers: Headers
  readonly body: Uint8Array
}

export interface ResolvedHost {
  readonly host: string
  /** An IP address that has been judged. */
  readonly address: string
  readonly port: number
}

const BRAND = "switchboard.UrlRefused"

/** Thrown for a URL that may not be used. */
export class UrlRefused extends Error {
  readonly brand = BRAND
  readonly fault: UrlFault

  constructor(fault: UrlFault) {
    super(fault.message)
    this.name = "UrlRefused"
    this.fault = fault
  }
}

export function isUrlRefused(value: unknown): value is UrlRefused {
  return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND
}
