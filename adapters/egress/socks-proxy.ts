import { isIP, type Socket } from "node:net"
import ipaddr from "ipaddr.js"
import { faults } from "./faults.ts"
import { readBytes } from "./reading.ts"

const CONNECT = 1
/** Kinds of hosts in version 5. */
const IPV4 = 1
const NAME = 3
const IPV6 = 4
const LONGEST = 255

interface Asked {
  readonly host: string
  readonly port: Uint8Array
  readonly user: Buffer
  readonly password: Buffer
  read(length: number): Promise<Uint8Array>
}

/**
 * Asks a SOCKS proxy to connect to an address or a name: version 5 (RFC 1928, 1929), or 4 (4A for names) by its scheme.
 * Rejects with URL_UNREACHABLE.
 */
export async function connectThroughSocks(
  socket: Socket,
  proxy: URL,
  host: string,
  port: number,
  signal: AbortSignal,
): Promise<void> {
  const asked: Asked = {
    host,
    port: Uint8Array.of(port >> 8, port & 0xff),
    user: Buffer.from(decodeURIComponent(proxy.username)),
    password: Buffer.from(decodeURIComponent(proxy.password)),
    read: (length) => readBytes(socket, signal, length),
  }
  await (proxy.protocol.startsWith("socks4") ? version4(socket, asked) : version5(socket, asked))
}

const GRANTED = 0x5a
const END = Uint8Array.of(0)
/** An address that says: the name comes at the end. */
const BY_NAME = Uint8Array.of(0, 0, 0, 1)

async function version4(socket: Socket, { host, port, user, read }: Asked): Promise<void> {
  const version = isIP(host)
  if (version === 6 || user.includes(0)) throw faults.proxy()
  const place = version === 4 ? [addressBytes(host), user, END] : [BY_NAME, user, END, Buffer.from(host), END]
  socket.write(Buffer.concat([Uint8Array.of(4, CONNECT), port, ...place]))
  const [, answer] = await read(8)
  if (answer !== GRANTED) throw faults.proxy()
}

async function version5(socket: Socket, { host, port, user, password, read }: Asked): Promise<void> {
  const withPassword = user.length > 0 || password.length > 0
  const name = Buffer.from(host)
  if (user.length > LONGEST || password.length > LONGEST || name.length > LONGEST) throw faults.proxy()
  socket.write(withPassword ? Uint8Array.of(5, 2, 0, 2) : Uint8Array.of(5, 1, 0))
  const [version, method] = await read(2)
  if (version !== 5 || (method !== 0 && !(method === 2 && withPassword))) throw faults.proxy()
  if (method === 2) {
    socket.write(Buffer.concat([Uint8Array.of(1, user.length), user, Uint8Array.of(password.length), password]))
    const [, refused] = await read(2)
    if (refused !== 0) throw faults.proxy()
  }

  const kinds: Readonly<Record<number, number>> = { 0: NAME, 4: IPV4, 6: IPV6 }
  const kind = kinds[isIP(host)] ?? NAME
  const place = kind === NAME ? [Uint8Array.of(name.length), name] : [addressBytes(host)]
  socket.write(Buffer.concat([Uint8Array.of(5, CONNECT, 0, kind), ...place, port]))
  const [, refused, , from] = await read(4)
  if (refused !== 0) throw faults.proxy()
  // The address it connects from, of no use to anybody, has to be read off.
  const length = from === IPV4 ? 4 : from === IPV6 ? 16 : ((await read(1))[0] ?? 0)
  await read(length + 2)
}

const addressBytes = (address: string): Uint8Array => Uint8Array.from(ipaddr.parse(address).toByteArray())
