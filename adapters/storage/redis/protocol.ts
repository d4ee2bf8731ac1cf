import { connect as connectPlain, type Socket } from "node:net"
import { connect as connectTls } from "node:tls"
import type { Clock } from "../../../core/clock.ts"
import { StoreFault } from "../../../core/store.ts"
import type { Address } from "./address.ts"

const PATIENCE_MS = 1_000
/** A Redis server answers to this, whether or not it wants a password first. Nothing secret goes out. */
const PING = "PING\r\n"
const ANSWER = /^(?:\+PONG|-)/

/**
 * Whether a server that gives no answer speaks the other protocol, with TLS or without: a Redis server waits for the end
 * of what it takes for a command, and one with TLS closes the connection. Neither can be told from a server that is away.
 */
export async function wrongProtocol(address: Address, clock: Clock): Promise<StoreFault | undefined> {
  const { host, port } = address
  if (address.tls) {
    const answered = await ask(connectPlain({ host, port }), clock, (socket, yes) => {
      socket.write(PING)
      socket.once("data", (data) => yes(ANSWER.test(data.toString("latin1"))))
    })
    return answered ? new StoreFault("url", "leads to a server without TLS; write it with redis://") : undefined
  }
  // Only that there is TLS counts here; nothing is said to whoever it is.
  const secured = connectTls({ host, port, rejectUnauthorized: false })
  const answered = await ask(secured, clock, (socket, yes) => void socket.once("secureConnect", () => yes(true)))
  return answered ? new StoreFault("url", "leads to a server with TLS; write it with rediss://") : undefined
}

function ask(
  socket: Socket,
  clock: Clock,
  question: (socket: Socket, yes: (answer: boolean) => void) => void,
): Promise<boolean> {
  return new Promise((resolve) => {
    const end = (answer: boolean): void => {
      timer.cancel()
      socket.destroy()
      resolve(answer)
    }
    const timer = clock.after(PATIENCE_MS, () => end(false))
    // No answer is one as well.
    socket.on("error", () => end(false)).once("close", () => end(false))
    question(socket, end)
  })
}
