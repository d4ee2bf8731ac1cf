/** Just enough of the protobuf wire format to take records apart without decoding what is inside. */

export interface Field {
  readonly number: number
  readonly wireType: number
  /** The payload of a length-delimited field; empty otherwise. */
  readonly bytes: Uint8Array
  /** The value of a varint field; 0 otherwise. */
  readonly value: number
}

const VARINT = 0
const FIXED64 = 1
const LENGTH_DELIMITED = 2
const FIXED32 = 5

/** The top-level fields in order. Throws RangeError when the bytes are no protobuf message. */
export function readFields(message: Uint8Array): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let factor = 1; at < message.length; factor *= 128) {
      const byte = message[at++] ?? 0
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new RangeError("A protobuf field is cut off")
  }
  const take = (length: number): Uint8Array => {
    if (at + length > message.length) throw new RangeError("A protobuf field is cut off")
    at += length
    return message.subarray(at - length, at)
  }
  while (at < message.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const wireType = tag % 8
    if (wireType === VARINT) fields.push({ number, wireType, bytes: new Uint8Array(), value: varint() })
    else if (wireType === LENGTH_DELIMITED) fields.push({ number, wireType, bytes: take(varint()), value: 0 })
    else if (wireType === FIXED64 || wireType === FIXED32) {
      fields.push({ number, wireType, bytes: take(wireType === FIXED64 ? 8 : 4), value: 0 })
    } else throw new RangeError(`Protobuf wire type ${wireType} is not in use`)
  }
  return fields
}

/** The last value of a field, since that is the one that counts. */
export function lastBytes(fields: readonly Field[], number: number): Uint8Array | undefined {
  return fields.findLast((field) => field.number === number && field.wireType === LENGTH_DELIMITED)?.bytes
}

/** Fields concatenated into a message: bytes are length-delimited, whole numbers are varints. */
export function writeFields(fields: readonly (readonly [number: number, value: Uint8Array | number])[]): Uint8Array {
  const heads = fields.map(([number, value]) =>
    typeof value === "number"
      ? [...varintBytes(number * 8 + VARINT), ...varintBytes(value)]
      : [...varintBytes(number * 8 + LENGTH_DELIMITED), ...varintBytes(value.length)],
  )
  const total = fields.reduce((sum, [, value], index) => sum + sizeOf(value) + (heads[index]?.length ?? 0), 0)
  const message = new Uint8Array(total)
  let at = 0
  for (const [index, [, value]] of fields.entries()) {
    const head = heads[index] ?? []
    message.set(head, at)
    if (typeof value !== "number") message.set(value, at + head.length)
    at += head.length + sizeOf(value)
  }
  return message
}

function sizeOf(value: Uint8Array | number): number {
  return typeof value === "number" ? 0 : value.length
}

function varintBytes(value: number): number[] {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return [...bytes, rest]
    bytes.push((rest % 128) | 0x80)
  }
}
