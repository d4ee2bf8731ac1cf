import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"

/** A way to a server that can hold back what is under way on it, as a network that is cut and mended does. */
export interface HeldProxy {
  readonly port: number
  /**
   * From now on nothing passes on the connections there are, and nobody is told: also not when one end closes.
   * Connections made later are not held.
   */
  hold(): void
  /** What was held goes on, up to where its sender had closed. Resolves once the server has closed in turn. */
  release(): Promise<void>
  /** Breaks every connection that is not held. */
  cut(): void
  close(): Promise<void>
}

interface Way {
  readonly client: Socket
  readonly server: Socket
  readonly waiting: Buffer[]
  held: boolean
  ended: boolean
}

export async function startHeldProxy(target: number): Promise<HeldProxy> {
  const ways = new Set<Way>()
  const listener = createServer({ allowHalfOpen: true }, (client) => {
    const server = connect(target, "127.0.0.1")
    const way: Way = { client, server, waiting: [], held: false, ended: false }
    ways.add(way)
    client.on("data", (data) => {
      if (way.held) way.waiting.push(data)
      else server.write(data)
    })
    server.on("data", (data) => {
      if (!way.held && !client.destroyed) client.write(data)
    })
    const finish = (): void => {
      way.ended = true
      if (!way.held) server.end()
    }
    client.on("end", finish).on("error", finish).on("close", finish)
    server.on("error", () => client.destroy())
    server.on("close", () => {
      ways.delete(way)
      if (!way.held) client.destroy()
    })
  }).listen(0, "127.0.0.1")
  await once(listener, "listening")
  const address = listener.address()
  if (address === null || typeof address === "string") throw new Error("No port")

  return {
    port: address.port,
    hold() {
      for (const way of ways) way.held = true
    },
    async release() {
      const held = [...ways].filter((way) => way.held)
      await Promise.all(
        held.map(async ({ server, waiting, client }) => {
          const closed = once(server, "close")
          for (const data of waiting) server.write(data)
          server.end()
          await closed
          client.destroy()
        }),
      )
    },
    cut() {
      for (const { client, server, held } of ways) {
        if (held) continue
        client.destroy()
        server.destroy()
      }
    },
    async close() {
      for (const { client, server } of ways) {
        client.destroy()
        server.destroy()
      }
      listener.close()
      await once(listener, "close")
    },
  }
}
