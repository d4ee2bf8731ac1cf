import { WebSocket } from "ws"

/** What a process holds, as its debugger tells: no route of the server is needed for it. */
export interface Holdings {
  /** Live heap after a full collection, bytes. */
  readonly heap: number
  /** Timers that are armed, those that keep no process alive included. */
  readonly timers: number
  /** Listeners over all event emitters that are alive. */
  readonly listeners: number
  /** Sockets, servers and the like. */
  readonly handles: number
}

export interface Inspector {
  holdings(): Promise<Holdings>
  close(): void
}

interface Remote {
  readonly objectId?: string
  readonly value?: unknown
}

const TIMER = "Object.getPrototypeOf(setTimeout(() => undefined, 0))"
const EMITTER = "Object.getPrototypeOf(Object.getPrototypeOf(process))"
const COUNT_ARMED = "function () { return this.filter((timer) => !timer._destroyed).length }"
const COUNT_LISTENERS = `function () {
  const own = (one) => Reflect.ownKeys(one._events ?? {}).length === 0 ? 0
    : one.eventNames().reduce((sum, name) => sum + one.listenerCount(name), 0)
  return this.reduce((sum, one) => sum + (Object.hasOwn(one, "_events") ? own(one) : 0), 0)
}`
const MEASURE = `({
  heap: process.memoryUsage().heapUsed,
  handles: process.getActiveResourcesInfo().filter((name) => name !== "Timeout" && name !== "Immediate").length,
})`

/** Attaches to a process that was started with `--inspect=0`; `url` is what it printed. */
export async function attach(url: string): Promise<Inspector> {
  const socket = new WebSocket(url)
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>()
  let last = 0
  await new Promise<void>((resolve, reject) => {
    socket.once("open", resolve)
    socket.once("error", reject)
  })
  socket.on("message", (data: Buffer) => {
    const { id, result, error } = JSON.parse(data.toString()) as { id?: number; result?: never; error?: object }
    const caller = waiting.get(id ?? -1)
    waiting.delete(id ?? -1)
    if (error === undefined) caller?.resolve(result as never)
    else caller?.reject(new Error(JSON.stringify(error)))
  })
  socket.on("close", () => {
    for (const { reject } of waiting.values()) reject(new Error("the debugger hung up"))
  })
  const call = <T>(method: string, params: object = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject })
      socket.send(JSON.stringify({ id: last, method, params }))
    })
  const evaluate = async (expression: string, returnByValue: boolean): Promise<Remote> =>
    (await call<{ result: Remote }>("Runtime.evaluate", { expression, returnByValue, objectGroup: "count" })).result
  /** Runs a function over every living object with this prototype. */
  const count = async (prototype: string, functionDeclaration: string): Promise<number> => {
    const { objectId: prototypeObjectId } = await evaluate(prototype, false)
    const { objects } = await call<{ objects: Remote }>("Runtime.queryObjects", {
      prototypeObjectId,
      objectGroup: "count",
    })
    const given = { objectId: objects.objectId, functionDeclaration, returnByValue: true }
    const { result } = await call<{ result: Remote }>("Runtime.callFunctionOn", given)
    await call("Runtime.releaseObjectGroup", { objectGroup: "count" })
    return Number(result.value)
  }
  return {
    async holdings() {
      // Twice: what a finalizer of the first round lets go of is freed in the second.
      await call("HeapProfiler.collectGarbage")
      await call("HeapProfiler.collectGarbage")
      const { heap, handles } = (await evaluate(MEASURE, true)).value as Pick<Holdings, "heap" | "handles">
      const timers = await count(TIMER, COUNT_ARMED)
      return { heap, handles, timers, listeners: await count(EMITTER, COUNT_LISTENERS) }
    },
    close: () => socket.close(),
  }
}
