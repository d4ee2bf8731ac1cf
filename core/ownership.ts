/** Port: who may run a company's line. Two processes on one line corrupt its ratchets and throw each other out. */

export interface Lease {
  readonly company: string
  /** Grows with every claim; a write that carries an older one is refused with FENCED. */
  readonly fence: number
  /** Aborted when the claim is no longer held. */
  readonly lost: AbortSignal
  release(): Promise<void>
}

export interface Ownership {
  /** `undefined` when a living process holds it. */
  claim(company: string): Promise<Lease | undefined>
}
