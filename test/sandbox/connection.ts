import { randomBytes } from "node:crypto"
import type { WebSocket } from "ws"
import { decodeNode, el, encodeNode, type Node } from "./binary.ts"
import { createFrameReader, frame } from "./frames.ts"
import { SERVER } from "./jid.ts"
import type { Line } from "./line.ts"
import { createResponder } from "./noise.ts"
import type { PairingAttempt } from "./pairing.ts"
import type { World } from "./world.ts"

/** One client on one web socket, after the handshake a sealed stream of stanzas. */
export interface Connection {
  readonly openedAt: number
  /** The static key that the client proved to have. */
  clientKey: Buffer
  line: Line | undefined
  pairing: PairingAttempt | undefined
  /** False when nothing was sent, because the connection is closed or ignores its client. */
  send(node: Node): boolean
  /** An IQ from the server; resolves with the client's answer, rejects when the connection ends first. */
  request(children: Node[]): Promise<Node>
  /** Sends a last stanza, if any, and closes. */
  end(last?: Node): void
  /** Breaks the TCP connection. */
  cut(): void
  /** Neither reads nor answers for `ms`; with `thenCut` the connection breaks afterwards. */
  ignore(ms: number, thenCut: boolean): void
}

export interface ConnectionHandlers {
  /** The client's `ClientPayload`, still encoded. */
  login(connection: Connection, payload: Buffer): void
  stanza(connection: Connection, node: Node): void
  closed(connection: Connection): void
}

export function openConnection(world: World, socket: WebSocket, handlers: ConnectionHandlers): void {
  const noise = createResponder(world.authority)
  const requests = new Map<string, { resolve: (node: Node) => void; reject: (error: Error) => void }>()
  let step: "hello" | "finish" | "open" = "hello"
  let ignoring = false
  let closed = false

  const connection: Connection = {
    openedAt: Date.now(),
    clientKey: Buffer.alloc(0),
    line: undefined,
    pairing: undefined,
    send(node) {
      if (closed || ignoring) return false
      socket.send(frame(noise.seal(encodeNode(node))))
      return true
    },
    request(content) {
      const id = randomBytes(8).toString("hex")
      return new Promise((resolve, reject) => {
        requests.set(id, { resolve, reject })
        connection.send(el("iq", { from: SERVER, type: "set", id }, content))
      })
    },
    end(last) {
      if (last) connection.send(last)
      socket.close()
    },
    cut: () => socket.terminate(),
    ignore(ms, thenCut) {
      ignoring = true
      const over = (): void => {
        if (thenCut) return socket.terminate()
        ignoring = false
        connection.line?.flush()
      }
      setTimeout(over, ms).unref()
    },
  }

  const onStanza = (node: Node): void => {
    const waiting = node.tag === "iq" && node.attrs.id !== undefined ? requests.get(node.attrs.id) : undefined
    if (!waiting) return handlers.stanza(connection, node)
    requests.delete(node.attrs.id ?? "")
    waiting.resolve(node)
  }
  const onFrame = (bytes: Buffer): void => {
    if (step === "hello") {
      socket.send(frame(noise.hello(bytes)))
      step = "finish"
    } else if (step === "finish") {
      const { clientKey, payload } = noise.finish(bytes)
      connection.clientKey = clientKey
      step = "open"
      handlers.login(connection, payload)
    } else {
      // Opened even while ignored: the nonce counts every frame.
      const plain = noise.open(bytes)
      if (!ignoring) onStanza(decodeNode(plain))
    }
  }
  const read = createFrameReader(onFrame)

  world.connections.add(connection)
  socket.on("message", (data: Buffer) => {
    if (closed) return
    try {
      read(data)
    } catch (error) {
      world.journal.protocolErrors++
      world.journal.note("protocol-error", connection.line?.account.phone, String(error))
      socket.terminate()
    }
  })
  socket.on("close", () => {
    closed = true
    world.connections.delete(connection)
    for (const { reject } of requests.values()) reject(new Error("the client hung up"))
    requests.clear()
    handlers.closed(connection)
  })
  // A broken connection shows as `close` as well; nothing else is to be done about it.
  socket.on("error", () => undefined)
}
