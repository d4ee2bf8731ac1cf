/** Port: the only way to open a connection to a URL that a user gave. The guarded adapter decides what it may reach. */
export interface Egress {
  request(url: string, init?: EgressInit): Promise<Response>
}

export interface EgressInit {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  readonly timeoutMs?: number
  readonly maxBytes?: number
  readonly signal?: AbortSignal
}
