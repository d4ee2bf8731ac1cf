import { once } from "node:events"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"

/** A way to an S3 server that can be closed: as if the server were away, while it keeps what it has. */
export interface Gate {
  /** Options of a store that goes this way. */
  readonly options: Readonly<Record<string, string>>
  away(): Promise<void>
  back(): Promise<void>
  close(): Promise<void>
}

/** Bytes are passed on as they come. The host is part of what is signed, and such servers take it from the request. */
export async function openGate(options: Readonly<Record<string, string>>): Promise<Gate> {
  const { hostname, port } = new URL(options["endpoint"] ?? "")
  const open = new Set<Socket>()
  const server = createServer((caller) => {
    const onward = connect(Number(port === "" ? 80 : port), hostname)
    for (const [one, other] of [
      [caller, onward],
      [onward, caller],
    ] as const) {
      open.add(one)
      one.pipe(other)
      // Whichever end breaks, the other has nobody to talk to.
      one.on("error", () => other.destroy())
      one.on("close", () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  const listen = async (at: number): Promise<number> => {
    server.listen(at, "127.0.0.1")
    await once(server, "listening")
    return (server.address() as AddressInfo).port
  }
  const away = async (): Promise<void> => {
    if (!server.listening) return
    const closed = once(server, "close")
    server.close()
    for (const socket of open) socket.destroy()
    await closed
  }
  const own = await listen(0)
  return {
    options: { ...options, endpoint: `http://127.0.0.1:${own}` },
    away,
    back: async () => void (await listen(own)),
    close: away,
  }
}
