import type { WASocket } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"

/** How long the peer has to answer a closing handshake. */
const POLITE_MS = 500

export interface Hangup {
  /** Closes the socket; resolves within about half a second, whatever the peer does. */
  now(): Promise<void>
  /** The library is closing by itself: sees to it that a frozen peer does not hold that up (it would for 30 s). */
  soon(): void
}

export function createHangup(sock: WASocket, clock: Clock): Hangup {
  // Taken now, since the library drops it once it has closed.
  const native: unknown = Reflect.get(sock.ws, "socket")
  const terminate = (): void => {
    if (
      typeof native === "object" &&
      native !== null &&
      "terminate" in native &&
      typeof native.terminate === "function"
    ) {
      native.terminate()
    }
  }
  return {
    async now() {
      const timer = clock.after(POLITE_MS, terminate)
      await Promise.race([sock.end(undefined), clock.sleep(2 * POLITE_MS)])
      timer.cancel()
      terminate()
    },
    soon: () => void clock.after(POLITE_MS, terminate),
  }
}
