import { isIP, type Socket } from "node:net"
import ipaddr from "ipaddr.js"
import { faults } from "./faults.ts"
import { readBytes } from "./reading.ts"

const CONNECT = 1
const GRANTED_4 = 0x5a

/** Asks a SOCKS proxy to connect to an address: version 5 (RFC 1928, 1929), or 4 by its scheme. Rejects with URL_UNREACHABLE. */
export async function connectThroughSocks(
  socket: Socket,
  proxy: URL,
  address: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const user = Buffer.from(decodeURIComponent(proxy.username))
  const password = Buffer.from(decodeURIComponent(proxy.password))
  const place = Uint8Array.from(ipaddr.parse(address).toByteArray())
  const ports = Uint8Array.of(port >> 8, port & 0xff)
  const read = (length: number): Promise<Uint8Array> => readBytes(socket, signal, length)

  if (proxy.protocol.startsWith("socks4")) {
    if (isIP(address) !== 4 || user.includes(0)) throw faults.proxy()
    socket.write(Buffer.concat([Uint8Array.of(4, CONNECT), ports, place, user, Uint8Array.of(0)]))
    const [, answer] = await read(8)
    if (answer !== GRANTED_4) throw faults.proxy()
    return
  }

  const withPassword = user.length > 0 || password.length > 0
  if (user.length > 255 || password.length > 255) throw faults.proxy()
  socket.write(withPassword ? Uint8Array.of(5, 2, 0, 2) : Uint8Array.of(5, 1, 0))
  const [version, method] = await read(2)
  if (version !== 5 || (method !== 0 && !(method === 2 && withPassword))) throw faults.proxy()
  if (method === 2) {
    socket.write(Buffer.concat([Uint8Array.of(1, user.length), user, Uint8Array.of(password.length), password]))
    const [, accepted] = await read(2)
    if (accepted !== 0) throw faults.proxy()
  }

  socket.write(Buffer.concat([Uint8Array.of(5, CONNECT, 0, isIP(address) === 4 ? 1 : 4), place, ports]))
  const [, reply, , kind] = await read(4)
  if (reply !== 0) throw faults.proxy()
  // The address it connects from, of no use to anybody, has to be read off.
  const length = kind === 1 ? 4 : kind === 4 ? 16 : ((await read(1))[0] ?? 0)
  await read(length + 2)
}
