import { createServer, STATUS_CODES, type Server } from "node:http"
import type { Duplex } from "node:stream"
import { WebSocketServer } from "ws"
import { child, children, el, type Node } from "./binary.ts"
import { openConnection, type Connection, type ConnectionHandlers } from "./connection.ts"
import { answerIq } from "./iq.ts"
import { SERVER } from "./jid.ts"
import type { Line } from "./line.ts"
import { listenOnLoopback } from "./listen.ts"
import { login } from "./login.ts"
import { companionStanza, dropPairing } from "./pairing.ts"
import { confirmFromLine, messageFromLine } from "./relay.ts"
import type { World } from "./world.ts"

/** The WhatsApp side: takes web sockets on loopback. Gives the port it got. */
export async function listen(world: World, port: number): Promise<{ server: Server; port: number }> {
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  const server = createServer((_request, response) => response.writeHead(426).end())
  const handlers: ConnectionHandlers = {
    login: (connection, payload) => login(world, connection, payload),
    stanza: (connection, node) => stanza(world, connection, node),
    closed: (connection) => closed(world, connection),
  }
  server.on("upgrade", (request, socket: Duplex, head) => {
    world.journal.upgrades++
    const refused = world.faults.take("refuse-upgrade", undefined)
    if (refused) {
      world.journal.upgradesRefused++
      return refuse(socket, refused.code ?? 503)
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (world.faults.take("cut-handshake", undefined)) return client.terminate()
      // Accepted and never answered, until one side gives up.
      if (world.faults.take("silent-handshake", undefined)) return void client.on("error", () => undefined)
      openConnection(world, client, handlers)
    })
  })
  return { server, port: await listenOnLoopback(server, port) }
}

function refuse(socket: Duplex, status: number): void {
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Refused"}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`,
  )
}

function stanza(world: World, connection: Connection, node: Node): void {
  const { line } = connection
  if (!line) return unlinkedStanza(world, connection, node)
  if (node.tag === "iq") return answerIq(world, line, node)
  if (node.tag === "message") return messageFromLine(world, line, node)
  if (node.tag === "receipt" || node.tag === "ack") return confirmFromLine(world, line, node)
  if (node.tag === "presence" && node.attrs.type !== undefined) line.account.stats.presence = node.attrs.type
  if (node.tag === "chatstate") noteChatState(line, node)
}

/** The last one alone: `composing 79001234567@s.whatsapp.net`, or `recording` for one with sound. */
function noteChatState(line: Line, node: Node): void {
  const [state] = children(node)
  const name = state?.attrs.media === "audio" ? "recording" : (state?.tag ?? "")
  line.account.stats.chatState = `${name} ${node.attrs.to ?? ""}`
}

function unlinkedStanza(world: World, connection: Connection, node: Node): void {
  if (node.tag !== "iq" || node.attrs.type === "result" || node.attrs.type === "error") return
  if (child(node, "link_code_companion_reg")) return companionStanza(world, connection, node)
  connection.send(el("iq", { from: SERVER, type: "result", id: node.attrs.id }))
}

function closed(world: World, connection: Connection): void {
  const { line, pairing } = connection
  if (pairing) dropPairing(world, pairing)
  world.watch.changed()
  if (!line || line.connection !== connection) return
  line.detach()
  world.journal.note("closed", line.account.phone)
}
