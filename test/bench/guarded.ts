import process from "node:process"
import { zValidator } from "@hono/zod-validator"
import { Hono } from "hono"
import { messageParams } from "../../core/http/schemas.ts"
import { messageJson } from "../../core/message/messages.ts"
import { listenNode } from "../../core/serve/listen-node.ts"
import { answerOf, message, openGuardedHouse } from "./guarded-house.ts"
import { timePipeline } from "./pipeline.ts"

/**
 * Two sets of routes in one process, on one port, so that both are served by the same listener: those of the house under
 * their own paths, and the same without anything around them under `/bare`.
 *   GET /house     -> {key, guards}
 *   GET /cpu       -> CPU time of this process so far, in µs
 *   GET /pipeline  -> CPU time of seven stages, in ns, round by round
 */
const house = await openGuardedHouse()

let sent = 0
const bare = new Hono()
  .basePath("/bare")
  .post("/send", zValidator("json", house.sendBody), (context) => {
    const { companyId, phone } = context.req.valid("json") as { companyId: string; phone: string }
    return context.json({ success: true, data: answerOf(companyId, phone, ++sent) })
  })
  .get("/messages/:companyId/:messageId", zValidator("param", messageParams), (context) =>
    context.json({ success: true, data: messageJson(message) }),
  )
  .get("/healthz", (context) => context.json({ success: true, data: { status: "alive" } }))

const { url } = await listenNode({
  host: "127.0.0.1",
  port: 0,
  async fetch(request, arrival) {
    const path = request.url.slice(request.url.indexOf("/", "http://".length))
    if (path.startsWith("/api/") || path === "/healthz") return house.http.fetch(request, arrival)
    if (path.startsWith("/bare/")) return bare.fetch(request)
    if (path === "/house") return Response.json({ key: house.key, guards: house.guards })
    return Response.json(path === "/cpu" ? cpu() : timePipeline(Number(path.slice("/pipeline/".length))))
  },
})

function cpu(): { micros: number } {
  const { user, system } = process.cpuUsage()
  return { micros: user + system }
}

process.stdout.write(`${JSON.stringify({ url })}\n`)
process.on("SIGTERM", () => process.exit(0))
