import { appError } from "../errors.ts"
import { failureAnswer } from "../http/answer.ts"
import type { Http } from "../http/app.ts"
import { requestIdOf } from "../http/request-id.ts"
import type { Arrival } from "../listen.ts"

/** Requests on their way through the house, from before its doors are open until the last one has been answered. */
export interface Requests {
  /** Never rejects. Waits for `open`; after `refuse` every request is told that the server is shutting down. */
  fetch(request: Request, arrival?: Arrival): Promise<Response>
  open(http: Http): void
  refuse(): void
  /** From now on each answer ends its connection, so that nobody asks anew on one that is about to close. */
  farewell(): void
  /** Resolves when no request is being answered. */
  drained(): Promise<void>
}

export function createRequests(): Requests {
  let http: Http | undefined
  let decide: (http: Http | undefined) => void = () => undefined
  const opened = new Promise<Http | undefined>((resolve) => {
    decide = resolve
  })
  let refused = false
  let leaving = false
  let running = 0
  let idle: (() => void) | undefined

  return {
    async fetch(request, arrival) {
      running++
      try {
        const ready = http ?? (await opened)
        if (ready === undefined || refused) {
          return failureAnswer(appError("SHUTTING_DOWN", { retryAfter: 5 }), requestIdOf(request.headers))
        }
        const answer = await ready.fetch(request, arrival)
        if (leaving) answer.headers.set("connection", "close")
        return answer
      } finally {
        running--
        if (running === 0) idle?.()
      }
    },
    open(ready) {
      http = ready
      decide(ready)
    },
    refuse() {
      refused = true
      decide(undefined)
    },
    farewell() {
      leaving = true
    },
    drained: () =>
      new Promise((resolve) => {
        if (running === 0) return resolve()
        idle = resolve
      }),
  }
}
