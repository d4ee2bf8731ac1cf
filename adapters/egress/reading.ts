import type { Socket } from "node:net"
import { abortable } from "./deadline.ts"
import { faults } from "./faults.ts"

/**
 * Waits until `take` finds what it looks for in what the socket has; what it leaves there stays for the next reader.
 * Rejects with URL_UNREACHABLE when the socket ends first, and with what `take` throws.
 */
export function readFrom<T>(socket: Socket, signal: AbortSignal, take: () => T | undefined): Promise<T> {
  return abortable(signal, (resolve, reject) => {
    const stop = (): void => {
      socket.off("readable", look)
      socket.off("end", fail)
      socket.off("close", fail)
    }
    const fail = (): void => {
      stop()
      reject(faults.proxy())
    }
    const look = (): void => {
      try {
        const found = take()
        if (found === undefined) return
        stop()
        resolve(found)
      } catch (thrown) {
        stop()
        reject(thrown as Error)
      }
    }
    socket.on("readable", look)
    socket.once("end", fail)
    socket.once("close", fail)
    if (socket.destroyed) fail()
    else look()
    return stop
  })
}

/** Exactly that many bytes. */
export const readBytes = (socket: Socket, signal: AbortSignal, length: number): Promise<Uint8Array> =>
  readFrom(socket, signal, () => (socket.read(length) as Uint8Array | null) ?? undefined)
