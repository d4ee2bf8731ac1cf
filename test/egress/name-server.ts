import { createSocket } from "node:dgram"
import { once } from "node:events"

/** A name server on loopback, over UDP (RFC 1035). */
export interface NameServer {
  /** As resolvers are told of it. */
  readonly address: string
  /** Names that were asked for, once for each kind of address. */
  readonly asked: string[]
  close(): Promise<void>
}

/** What it knows, by name; a name without an entry does not exist, and to `mute` there is never an answer. */
export type Zone = Readonly<Record<string, readonly Uint8Array[] | "mute">>

const HEAD = 12
const ANSWER = 0x8180
const NO_SUCH_NAME = 0x8183
const TYPES: Readonly<Record<number, number>> = { 1: 4, 28: 16 }

export async function startNameServer(zone: Zone): Promise<NameServer> {
  const socket = createSocket("udp4")
  const asked: string[] = []
  socket.on("message", (message, from) => {
    const { name, end } = readName(message)
    asked.push(name)
    const known = zone[name]
    if (known === "mute") return
    const type = message.readUInt16BE(end)
    const addresses = (known ?? []).filter((address) => address.length === TYPES[type])
    const head = Buffer.from(message.subarray(0, HEAD))
    head.writeUInt16BE(known === undefined ? NO_SUCH_NAME : ANSWER, 2)
    // One question, that many answers, nothing else.
    for (const [index, count] of [1, addresses.length, 0, 0].entries()) head.writeUInt16BE(count, 4 + index * 2)
    const answers = addresses.map((address) => record(type, address))
    socket.send(Buffer.concat([head, message.subarray(HEAD, end + 4), ...answers]), from.port, from.address)
  })
  socket.bind(0, "127.0.0.1")
  await once(socket, "listening")
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async close() {
      socket.close()
      await once(socket, "close")
    },
  }
}

function readName(message: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = []
  let at = HEAD
  for (let length = message[at] ?? 0; length > 0; length = message[at] ?? 0) {
    labels.push(message.toString("latin1", at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join("."), end: at + 1 }
}

/** For the name of the question, of class IN, valid for a minute. */
function record(type: number, address: Uint8Array): Uint8Array {
  return Uint8Array.of(0xc0, HEAD, 0, type, 0, 1, 0, 0, 0, 60, 0, address.length, ...address)
}
