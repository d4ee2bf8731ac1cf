import { WebSocket } from "ws"

/** In bytes. */
export interface MemoryUsage {
  readonly heapUsed: number
  readonly external: number
}

const COLLECTIONS = 3

/** Live heap and external memory of a process in bytes. */
export async function liveBytes(debuggerUrl: string): Promise<number> {
  const { heapUsed, external } = await memoryAfterCollection(debuggerUrl)
  return heapUsed + external
}

/**
 * What a process keeps, asked for through its debugger, so that no client needs a route for it. Garbage is collected
 * several times, since what a finalizer lets go of is only freed by the next collection.
 */
export async function memoryAfterCollection(debuggerUrl: string): Promise<MemoryUsage> {
  const session = await openSession(debuggerUrl)
  try {
    for (let turn = 0; turn < COLLECTIONS; turn++) await session.call("HeapProfiler.collectGarbage")
    return await session.evaluate<MemoryUsage>("process.memoryUsage()")
  } finally {
    session.close()
  }
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
