import type { WASocket } from "@whiskeysockets/baileys"
import { toError } from "../../../core/errors.ts"

type Listener = (...args: unknown[]) => unknown

/**
 * Many of the library's listeners are async functions whose rejections nobody handles, which ends the process. Each is
 * replaced by one that hands its rejection on. To be called right after the socket is made.
 */
export function catchRejections(ws: WASocket["ws"], onFault: (event: string, error: Error) => void): void {
  for (const event of ws.eventNames()) {
    if (typeof event !== "string") continue
    for (const listener of ws.listeners(event)) {
      // An emitter calls its listeners with whatever the event carries.
      const call = listener as Listener
      const guarded: Listener = (...args) => {
        const result: unknown = call.apply(ws, args)
        if (result instanceof Promise) result.catch((thrown: unknown) => onFault(event, toError(thrown)))
      }
      ws.off(event, call)
      ws.on(event, guarded)
    }
  }
}
