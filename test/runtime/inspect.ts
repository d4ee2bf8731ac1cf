import { WebSocket } from "ws"

/** What a process holds, as its debugger tells: no route of the server is needed for it. */
export interface Holdings {
  /** Live heap after a full collection, bytes. */
  readonly heap: number
  readonly timers: number
  /** Listeners on the process itself, over all events. */
  readonly listeners: number
  /** Sockets, servers and the like. */
  readonly handles: number
}

export interface Inspector {
  holdings(): Promise<Holdings>
  close(): void
}

const HOLDINGS = `(() => {
  const resources = process.getActiveResourcesInfo()
  const timers = resources.filter((name) => name === "Timeout" || name === "Immediate").length
  const listeners = process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0)
  return { heap: process.memoryUsage().heapUsed, timers, listeners, handles: resources.length - timers }
})()`

/** Attaches to a process that was started with `--inspect=0`; `url` is what it printed. */
export async function attach(url: string): Promise<Inspector> {
  const socket = new WebSocket(url)
  const waiting = new Map<number, (answer: { readonly result?: { readonly value?: unknown } }) => void>()
  let last = 0
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  socket.on("message", (data: Buffer) => {
    const { id, result } = JSON.parse(data.toString()) as { id?: number; result?: { result?: { value?: unknown } } }
    waiting.get(id ?? -1)?.(result ?? {})
    waiting.delete(id ?? -1)
  })
  const call = (method: string, params: object = {}): Promise<{ readonly result?: { readonly value?: unknown } }> =>
    new Promise((resolve) => {
      waiting.set(++last, resolve)
      socket.send(JSON.stringify({ id: last, method, params }))
    })
  return {
    async holdings() {
      // Twice: what a finalizer of the first round lets go of is freed in the second.
      await call("HeapProfiler.collectGarbage")
      await call("HeapProfiler.collectGarbage")
      const { result } = await call("Runtime.evaluate", { expression: HOLDINGS, returnByValue: true })
      return result?.value as Holdings
    },
    close: () => socket.close(),
  }
}
