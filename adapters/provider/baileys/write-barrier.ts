import type { WASocket } from "@whiskeysockets/baileys"
import { toError } from "../../../core/errors.ts"
import type { LineStore } from "./line-store.ts"

type Sent = (error?: Error) => void

/** What the library writes its frames to: a client of the `ws` package. */
interface FrameSocket {
  send(frame: Uint8Array, sent?: Sent): void
}

/**
 * Holds every frame back until all that was staged before it is durable: WhatsApp is told nothing that a crash could make
 * us forget. Waiting here, once for all that goes out, rather than at each ratchet step, lets the messages of a line share
 * a commit: the library encrypts for a device under a mutex, so that a wait in there is one commit for each message.
 */
export function holdFramesUntilDurable(sock: WASocket, store: Pick<LineStore, "durable" | "dirty">): void {
  const native: unknown = Reflect.get(sock.ws, "socket")
  // Without it ratchets would leave before they are written, so there is no going on.
  if (!isFrameSocket(native)) throw new Error("The library does not show the socket it writes to")
  holdUntilDurable(native, store)
}

export function holdUntilDurable(socket: FrameSocket, store: Pick<LineStore, "durable" | "dirty">): void {
  const send = socket.send.bind(socket)
  let held: (readonly [frame: Uint8Array, sent: Sent | undefined])[] = []
  let releasing = false

  async function release(): Promise<void> {
    releasing = true
    // Frames are numbered by their cipher, so one that waits holds all behind it.
    while (held.length > 0) {
      const frames = held
      held = []
      try {
        if (store.dirty()) await store.durable()
      } catch (thrown) {
        // The line has ended with its store. What was held has not left, and nothing goes out any more.
        for (const [, sent] of [...frames, ...held]) sent?.(toError(thrown))
        held = []
        continue
      }
      for (const [frame, sent] of frames) send(frame, sent)
    }
    releasing = false
  }

  socket.send = (frame, sent) => {
    if (!releasing && !store.dirty()) return send(frame, sent)
    held.push([frame, sent])
    if (!releasing) void release()
  }
}

function isFrameSocket(value: unknown): value is FrameSocket {
  return typeof value === "object" && value !== null && "send" in value && typeof value.send === "function"
}
