import { PROLOGUE } from "./noise.ts"

const ROUTING_MARK = Buffer.from([0x45, 0x44, 0x00, 0x01])
const LENGTH_BYTES = 3

/**
 * Cuts the byte stream of a client into frames. A web socket message may carry several frames or a part of one, so
 * message borders mean nothing here. The first bytes must be the prologue, with or without routing information before it.
 */
export function createFrameReader(onFrame: (frame: Buffer) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0)
  let begun = false

  return (chunk) => {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    if (!begun) {
      const start = prologueEnd(rest)
      if (start === undefined) return
      rest = rest.subarray(start)
      begun = true
    }
    while (rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + rest.readUIntBE(0, LENGTH_BYTES)
      if (rest.length < end) return
      const frame = rest.subarray(LENGTH_BYTES, end)
      rest = rest.subarray(end)
      onFrame(frame)
    }
  }
}

/** Where the frames begin; undefined while there are too few bytes. Throws on anything that is not WhatsApp's opening. */
function prologueEnd(bytes: Buffer): number | undefined {
  if (bytes.length < 4) return undefined
  let start = 0
  if (bytes.subarray(0, 4).equals(ROUTING_MARK)) {
    if (bytes.length < 7) return undefined
    start = 7 + bytes.readUIntBE(4, 3)
  }
  if (bytes.length < start + PROLOGUE.length) return undefined
  if (!bytes.subarray(start, start + PROLOGUE.length).equals(PROLOGUE)) throw new Error("not a WhatsApp client")
  return start + PROLOGUE.length
}

export function frame(payload: Buffer): Buffer {
  const out = Buffer.allocUnsafe(LENGTH_BYTES + payload.length)
  out.writeUIntBE(payload.length, 0, LENGTH_BYTES)
  payload.copy(out, LENGTH_BYTES)
  return out
}
