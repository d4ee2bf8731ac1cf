import type { BinaryNode, WASocket } from "@whiskeysockets/baileys"
import { toError } from "../../../core/errors.ts"

type Listener = (...args: unknown[]) => unknown

/** What happens before a listener of the library: false keeps the stanza from it. */
export type Gate = (stanza: BinaryNode) => boolean | Promise<boolean>

/**
 * Puts a guard round every listener that the library has on its socket. Many are async functions whose rejections nobody
 * handles, which would end the process; those come to `onFault`. A gate may act first. To be called right after the socket
 * is made, when only the lasting listeners are there.
 */
export function guardListeners(
  ws: WASocket["ws"],
  gates: Readonly<Record<string, Gate>>,
  onFault: (event: string, error: Error) => void,
): void {
  for (const event of ws.eventNames()) {
    if (typeof event !== "string") continue
    const gate = gates[event]
    for (const listener of ws.listeners(event)) {
      // An emitter calls its listeners with whatever the event carries.
      const call = listener as Listener
      const guarded: Listener = (...args) => {
        const result: unknown = gate ? afterGate(gate, call, args, ws) : call.apply(ws, args)
        if (result instanceof Promise) result.catch((thrown: unknown) => onFault(event, toError(thrown)))
      }
      ws.off(event, call)
      ws.on(event, guarded)
    }
  }
}

function afterGate(gate: Gate, call: Listener, args: unknown[], ws: WASocket["ws"]): unknown {
  const open = gate(args[0] as BinaryNode)
  if (typeof open === "boolean") return open ? call.apply(ws, args) : undefined
  return open.then((passed) => (passed ? call.apply(ws, args) : undefined))
}
