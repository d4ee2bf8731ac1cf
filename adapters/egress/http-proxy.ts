import { isIP, type Socket } from "node:net"
import { faults } from "./faults.ts"
import { readFrom } from "./reading.ts"

const LONGEST_HEAD = 16_384
const END = "\r\n\r\n"

/** Asks an HTTP proxy to connect to an address or a name, by CONNECT (RFC 9110, 9.3.6). Rejects with URL_UNREACHABLE. */
export async function connectThroughHttp(
  socket: Socket,
  proxy: URL,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const authority = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`]
  if (proxy.username !== "" || proxy.password !== "") {
    const credentials = `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}`
    lines.push(`Proxy-Authorization: Basic ${Buffer.from(credentials).toString("base64")}`)
  }
  socket.write(`${lines.join("\r\n")}${END}`)

  let head = ""
  const status = await readFrom(socket, signal, () => {
    const chunk = socket.read() as Buffer | null
    if (chunk === null) return undefined
    const searched = Math.max(0, head.length - END.length)
    head += chunk.toString("latin1")
    const end = head.indexOf(END, searched)
    if (end === -1) {
      if (head.length > LONGEST_HEAD) throw faults.proxy()
      return undefined
    }
    const rest = head.slice(end + END.length)
    if (rest !== "") socket.unshift(Buffer.from(rest, "latin1"))
    return /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1] ?? ""
  })
  if (!status.startsWith("2")) throw faults.proxy()
}
