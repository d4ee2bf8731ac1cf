import type { LiveCode } from "../events.ts"

/** What a person has to scan or type now. Held in memory only, never logged, gone once the line is linked. */
export interface Code {
  readonly kind: "qr" | "pairing-code"
  readonly text: string
  /** Which of `maxAttempts` codes this is, from 1. */
  readonly attempt: number
  readonly maxAttempts: number
  readonly expiresAt: number
}

/** Counts the codes of one pairing. */
export interface Codes {
  readonly current: Code | undefined
  /** How many of them have been shown. */
  readonly shown: number
  /** True when another one may be shown. */
  more(): boolean
  /** `again`: the current one drawn anew, not another attempt. */
  show(kind: Code["kind"], text: string, expiresAt: number, again: boolean): Code
  /** The current one is worthless. */
  hide(): void
  /** A new pairing begins. */
  reset(): void
}

export function createCodes(maxAttempts: number): Codes {
  let current: Code | undefined
  let shown = 0
  return {
    get current() {
      return current
    },
    get shown() {
      return shown
    },
    more: () => shown < maxAttempts,
    show(kind, text, expiresAt, again) {
      if (!again || shown === 0) shown++
      const spelled = kind === "pairing-code" ? spell(text) : text
      current = { kind, text: spelled, attempt: shown, maxAttempts, expiresAt }
      return current
    },
    hide() {
      current = undefined
    },
    reset() {
      current = undefined
      shown = 0
    },
  }
}

/** `ABCD-EFGH`, as the phone shows it. */
export function spell(code: string): string {
  return /^[^-]{8}$/.test(code) ? `${code.slice(0, 4)}-${code.slice(4)}` : code
}

/** What the event log may hold: that there is a code, never the code. */
export function codeNotice({ attempt, maxAttempts, expiresAt }: Code): Record<string, unknown> {
  return { attempt, maxAttempts, expiresAt: new Date(expiresAt).toISOString() }
}

export function liveCode(code: Code): LiveCode {
  if (code.kind === "qr") return { type: "session.qr.code", data: { ...codeNotice(code), qr: code.text } }
  return { type: "session.pairing-code.code", data: { ...codeNotice(code), pairingCode: code.text } }
}
