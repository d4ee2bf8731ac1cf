import { Agent, request } from "node:http"

export interface Call {
  readonly path: string
  /** Without one it is a GET. */
  readonly body?: object
  readonly headers?: Readonly<Record<string, string>>
}

export interface LoadOptions {
  readonly url: string
  readonly inFlight: number
  /** The next request; undefined when there are no more. */
  readonly next: () => Call | undefined
}

/** A load that is under way. */
export interface Load {
  /** Requests answered with 200 so far. */
  answered(): number
  /** Lets what is in flight end. Rejects when any answer was not 200: a figure with failures in it is none. */
  done(): Promise<void>
  stop(): void
}

/** Keeps `inFlight` requests going over connections that stay open, each worker sending its next one after an answer. */
export function startLoad({ url, inFlight, next }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: inFlight })
  let answered = 0
  let stopped = false

  const worker = async (): Promise<void> => {
    while (!stopped) {
      const call = next()
      if (!call) return
      const { status, text } = await post(agent, url, call)
      if (status !== 200) {
        stopped = true
        throw new Error(`${url}${call.path} answered ${status}: ${text}`)
      }
      answered++
    }
  }
  const finished = Promise.all(Array.from({ length: inFlight }, worker)).finally(() => agent.destroy())
  // Reported by `done`; a load that fails earlier must not end the process before that.
  finished.catch(() => undefined)
  return {
    answered: () => answered,
    done: async () => void (await finished),
    stop: () => {
      stopped = true
    },
  }
}

/** One request; used for everything that is asked of a client, so that nothing waits for a pool of another kind. */
export function post(
  agent: Agent,
  url: string,
  { path, body, headers: own }: Call,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const payload = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
    const of = payload === undefined ? {} : { "content-type": "application/json", "content-length": payload.length }
    const method = payload === undefined ? "GET" : "POST"
    const call = request(new URL(path, url), { method, agent, headers: { ...of, ...own } }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => (text += chunk))
      response.on("error", reject)
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }))
    })
    call.on("error", reject)
    call.end(payload)
  })
}
