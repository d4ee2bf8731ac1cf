import type { Server } from "node:http"
import type { AddressInfo } from "node:net"

/** Listens on 127.0.0.1 and gives the port; rejects with the port's number when it is taken. */
export function listenOnLoopback(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(error.code === "EADDRINUSE" ? new Error(`port ${port} is taken`) : error)
    })
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port))
  })
}
