import { toError } from "../errors.ts"
import { type Exchange, whereIs } from "./exchange.ts"

/**
 * An answer whose body is not known yet. A failure while it is being sent ends the connection, so that nobody takes the
 * part for the whole; it is logged here, since the server's library would print the bare error.
 */
export function guardStream(answer: Response, exchange: Exchange): Response {
  // Asking for the body of an answer that is text already would make a stream of it, which is dear.
  if (answer.headers.get("content-type") === "application/json") return answer
  const { body, status, headers } = answer
  if (body === null) return answer
  const reader = body.getReader()
  const guarded = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (thrown) {
          exchange.log.warn({ ...whereIs(exchange), error: toError(thrown).message }, "An answer broke off")
          if (exchange.breakOff === undefined) return controller.error(thrown)
          exchange.breakOff()
          controller.close()
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return new Response(guarded, { status, headers })
}
