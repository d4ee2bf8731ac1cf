/** Everything that can be made to go wrong. The README of this folder says what each one does on the wire. */
export const FAULT_KINDS = [
  "refuse-upgrade",
  "silent-handshake",
  "cut-handshake",
  "silent-login",
  "refuse-login",
  "stream-error-at-login",
  "slow-ack",
  "missing-ack",
  "refuse-message",
  "lose-message",
  "delay-receipts",
  "drop-receipts",
  "hold-queue",
  "duplicate",
  "garble",
  "hang-iq",
  "refuse-iq",
  "companion-reg-refresh",
  "passkey",
  "refuse-pairing-code",
] as const

export type FaultKind = (typeof FAULT_KINDS)[number]

export interface FaultSpec {
  readonly kind: FaultKind
  /** Phone number of the company whose line is meant; all lines without it. */
  readonly line?: string
  /** How often it happens; until cleared without it. */
  readonly count?: number
  /** How long it lasts, in ms; until cleared without it. */
  readonly forMs?: number
  /** HTTP status, failure reason, stream error code or stanza error code, as the kind wants. */
  readonly code?: number
  /** Delay in ms, for the slow kinds. */
  readonly ms?: number
  /** Child of a stream error, such as `replaced` or `device_removed` (sent as a conflict). */
  readonly conflict?: string
  /** Only IQs of this namespace, for `hang-iq` and `refuse-iq`. */
  readonly xmlns?: string
}

export interface Fault extends FaultSpec {
  readonly id: number
  /** How often it has happened. */
  readonly hits: number
  readonly left: number | null
  readonly until: number | null
}

export interface Faults {
  arm(spec: FaultSpec): Fault
  clear(id?: number): void
  get(id: number): Fault | undefined
  list(): Fault[]
  /** The fault that applies now, counted as happened; the first one armed wins. */
  take(kind: FaultKind, line: string | undefined, xmlns?: string): Fault | undefined
  /** Whether one applies, without counting it. */
  active(kind: FaultKind, line: string | undefined): boolean
}

interface Armed {
  readonly spec: FaultSpec
  readonly id: number
  readonly until: number | null
  left: number | null
  hits: number
  done: boolean
}

const REMEMBERED = 1000

export function createFaults(onEnd: (fault: Fault) => void): Faults {
  const all = new Map<number, Armed>()
  const armed = new Map<FaultKind, Armed[]>()
  let nextId = 1

  const view = (fault: Armed): Fault => {
    const { id, hits, left, until, spec } = fault
    return { ...spec, id, hits, left, until }
  }
  const finish = (fault: Armed): void => {
    if (fault.done) return
    fault.done = true
    const rest = (armed.get(fault.spec.kind) ?? []).filter((item) => item !== fault)
    if (rest.length === 0) armed.delete(fault.spec.kind)
    else armed.set(fault.spec.kind, rest)
    onEnd(view(fault))
  }
  const find = (kind: FaultKind, line: string | undefined, xmlns?: string): Armed | undefined => {
    for (const fault of armed.get(kind) ?? []) {
      if (fault.until !== null && Date.now() >= fault.until) finish(fault)
      else if (matches(fault.spec, line, xmlns)) return fault
    }
    return undefined
  }

  return {
    arm(spec) {
      const until = spec.forMs === undefined ? null : Date.now() + spec.forMs
      const fault: Armed = { spec, id: nextId++, until, left: spec.count ?? null, hits: 0, done: false }
      all.set(fault.id, fault)
      if (all.size > REMEMBERED) forgetOldestDone(all)
      armed.set(spec.kind, [...(armed.get(spec.kind) ?? []), fault])
      if (spec.forMs !== undefined) setTimeout(() => finish(fault), spec.forMs).unref()
      return view(fault)
    },
    clear(id) {
      for (const fault of id === undefined ? all.values() : [all.get(id)]) if (fault) finish(fault)
    },
    get(id) {
      const fault = all.get(id)
      return fault && view(fault)
    },
    list: () => [...all.values()].map(view),
    take(kind, line, xmlns) {
      if (armed.size === 0) return undefined
      const fault = find(kind, line, xmlns)
      if (!fault) return undefined
      fault.hits++
      if (fault.left !== null) fault.left--
      const seen = view(fault)
      if (fault.left === 0) finish(fault)
      return seen
    },
    active: (kind, line) => armed.size > 0 && find(kind, line) !== undefined,
  }
}

function matches(spec: FaultSpec, line: string | undefined, xmlns: string | undefined): boolean {
  if (spec.line !== undefined && spec.line !== line) return false
  return spec.xmlns === undefined || spec.xmlns === xmlns
}

function forgetOldestDone(all: Map<number, Armed>): void {
  for (const [id, fault] of all) {
    if (!fault.done) continue
    all.delete(id)
    return
  }
}
