import { WebSocket } from "ws"

interface MemoryUsage {
  readonly heapUsed: number
  readonly external: number
}

const SETTLED_WITHIN = 0.002
const POLL_MS = 2_000
/** Timers that the library leaves behind after a login end within 60 s, and hold what they close over until then. */
const SETTLE_MS = 75_000

/**
 * Live heap and external memory of a process in bytes, asked for through its debugger, so that no client needs a route for
 * it. Garbage is collected again and again until the figure falls no more.
 */
export async function liveBytes(debuggerUrl: string): Promise<number> {
  const session = await openSession(debuggerUrl)
  try {
    const end = performance.now() + SETTLE_MS
    let least = await collected(session)
    let calm = 0
    while (calm < 5 && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      const now = await collected(session)
      calm = now < least * (1 - SETTLED_WITHIN) ? 0 : calm + 1
      least = Math.min(least, now)
    }
    return least
  } finally {
    session.close()
  }
}

async function collected(session: Session): Promise<number> {
  // Twice: what a finalizer of the first round lets go of is freed in the second.
  await session.call("HeapProfiler.collectGarbage")
  await session.call("HeapProfiler.collectGarbage")
  const { heapUsed, external } = await session.evaluate<MemoryUsage>("process.memoryUsage()")
  return heapUsed + external
}

interface Session {
  call(method: string, params?: object): Promise<unknown>
  evaluate<T>(expression: string): Promise<T>
  close(): void
}

async function openSession(url: string): Promise<Session> {
  const socket = new WebSocket(url)
  const waiting = new Map<number, { resolve: (value: unknown) => void; reject: (error: Error) => void }>()
  let last = 0
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  socket.on("message", (data: Buffer) => {
    const { id, result, error } = JSON.parse(data.toString()) as { id?: number; result?: unknown; error?: object }
    const caller = waiting.get(id ?? -1)
    waiting.delete(id ?? -1)
    if (error) caller?.reject(new Error(JSON.stringify(error)))
    else caller?.resolve(result)
  })
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("The debugger hung up."))
  })
  const call = (method: string, params: object = {}): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ++last
      waiting.set(id, { resolve, reject })
      socket.send(JSON.stringify({ id, method, params }))
    })
  return {
    call,
    async evaluate<T>(expression: string) {
      const answer = await call("Runtime.evaluate", { expression, returnByValue: true })
      const { result } = answer as { result: { value: T } }
      return result.value
    },
    close: () => socket.close(),
  }
}
