import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import process from "node:process"
import { parseArgs } from "node:util"
import { fileKeys, memoryKeys } from "./bare-keys.ts"
import { openLine, type BareLine } from "./bare-line.ts"

/**
 * The client that ours is compared with: Baileys as it is, behind as little HTTP as there can be.
 *   POST /lines {company}            -> {qr}, a new line
 *   POST /open  {company}            -> once it is connected
 *   POST /send  {company, to, text}  -> once WhatsApp has acknowledged
 */
const { values } = parseArgs({ options: { url: { type: "string" }, folder: { type: "string" } } })
const { url, folder } = values
if (url === undefined) throw new Error("--url: where is WhatsApp?")

// libsignal prints whole sessions here; formatting them is no part of what a message costs.
console.info = console.warn = console.error = () => undefined

const lines = new Map<string, BareLine>()

async function body(request: IncomingMessage): Promise<Record<string, string>> {
  let text = ""
  for await (const chunk of request.setEncoding("utf8")) text += chunk
  return JSON.parse(text) as Record<string, string>
}

async function answer(path: string, { company = "", to = "", text = "" }: Record<string, string>): Promise<object> {
  if (path === "/lines") {
    const line = openLine(url ?? "", folder === undefined ? memoryKeys() : fileKeys(join(folder, company)))
    lines.set(company, line)
    return { qr: await line.qr }
  }
  const line = lines.get(company)
  if (!line) throw new Error("no such line")
  if (path === "/open") await line.open
  else await line.send(to, text)
  return {}
}

const server = createServer((request, response) => {
  body(request)
    .then((given) => answer(request.url ?? "", given))
    .then(
      (value) => response.end(JSON.stringify(value)),
      (error: unknown) => response.writeHead(500).end(String(error)),
    )
})
server.keepAliveTimeout = 120_000
server.listen(0, "127.0.0.1", () => {
  const { port } = server.address() as AddressInfo
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${port}` })}\n`)
})
process.on("SIGTERM", () => process.exit(0))
