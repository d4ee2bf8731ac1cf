import type { Clock } from "../clock.ts"
import type { MessageRow } from "./messages.ts"

/** Requests that wait for WhatsApp's acknowledgement of their message. */
export interface Patience {
  /** The row once it is settled; undefined when patience ends. To be cancelled in any case. */
  wait(messageId: string): { readonly row: Promise<MessageRow | undefined>; cancel(): void }
  settled(row: MessageRow): void
  /** A message is held back until then: nobody waits for nothing. */
  held(messageId: string, until: number): void
  /** Nobody waits any more. */
  release(): void
}

/** How long an answer waits for WhatsApp's acknowledgement. */
const PATIENCE_MS = 15_000

export function createPatience(clock: Clock): Patience {
  const waiting = new Map<string, (row: MessageRow | undefined) => void>()
  let released = false

  return {
    wait(messageId) {
      let timer = { cancel: (): void => undefined }
      const row = new Promise<MessageRow | undefined>((resolve) => {
        if (released) return resolve(undefined)
        waiting.set(messageId, resolve)
        timer = clock.after(PATIENCE_MS, () => resolve(undefined))
      })
      return {
        row,
        cancel() {
          timer.cancel()
          waiting.delete(messageId)
        },
      }
    },
    settled: (row) => waiting.get(row.messageId)?.(row),
    held(messageId, until) {
      if (until > clock.now() + PATIENCE_MS) waiting.get(messageId)?.(undefined)
    },
    release() {
      released = true
      for (const answer of waiting.values()) answer(undefined)
    },
  }
}
