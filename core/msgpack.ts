import { fromUtf8, utf8Into } from "./utf8.ts"

/**
 * The part of MessagePack that JSON has, plus bytes. Written here because bytes must come back as Uint8Array on every
 * runtime, a key `__proto__` must stay a key, and nothing may be compiled at run time.
 */

const DEEPEST = 64
/** Texts below this are read and written by hand, which is quicker than asking the runtime. */
const SHORT = 32
/** Most records fit in this many bytes. */
const USUAL = 1_024

/** The value after `head`. `undefined` properties are left out, as in JSON; a value that JSON has no word for throws. */
export function pack(value: unknown, head: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(USUAL)
  const out: Output = { bytes, view: new DataView(bytes.buffer), at: head.length }
  out.bytes.set(head)
  write(out, value, 0)
  return out.bytes.subarray(0, out.at)
}

/** The value that begins at `from` and ends with the bytes; throws a RangeError when there is none. */
export function unpack(bytes: Uint8Array, from: number): unknown {
  const input: Input = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: from }
  const value = read(input, 0)
  if (input.at !== bytes.length) throw new RangeError(`${bytes.length - input.at} bytes too many`)
  return value
}

interface Output {
  bytes: Uint8Array
  view: DataView
  at: number
}

interface Input {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
}

function room(out: Output, more: number): void {
  const needed = out.at + more
  if (needed <= out.bytes.length) return
  const grown = new Uint8Array(Math.max(needed, out.bytes.length * 2))
  grown.set(out.bytes)
  out.bytes = grown
  out.view = new DataView(grown.buffer)
}

function write(out: Output, value: unknown, depth: number): void {
  if (depth > DEEPEST) throw new TypeError(`A record is at most ${DEEPEST} levels deep`)
  room(out, 9)
  if (value === null || value === undefined) out.bytes[out.at++] = 0xc0
  else if (typeof value === "boolean") out.bytes[out.at++] = value ? 0xc3 : 0xc2
  else if (typeof value === "number") writeNumber(out, value)
  else if (typeof value === "string") writeText(out, value)
  else if (typeof value !== "object") throw new TypeError(`A record cannot hold a ${typeof value}`)
  else if (value instanceof Uint8Array) writeBytes(out, value)
  else if (Array.isArray(value)) {
    writeHead(out, value.length, 0x90, 16, 0xdc)
    for (const item of value) write(out, item, depth + 1)
  } else writeObject(out, value, depth)
}

function writeObject(out: Output, value: object, depth: number): void {
  // What a class says of itself for JSON is what is stored of it; the codec knows no classes.
  if ("toJSON" in value && typeof value.toJSON === "function") return write(out, value.toJSON(), depth + 1)
  const keys = Object.keys(value)
  let count = 0
  for (const key of keys) if ((value as Record<string, unknown>)[key] !== undefined) count++
  writeHead(out, count, 0x80, 16, 0xde)
  for (const key of keys) {
    const item: unknown = (value as Record<string, unknown>)[key]
    if (item === undefined) continue
    writeText(out, key)
    write(out, item, depth + 1)
  }
}

function writeNumber(out: Output, value: number): void {
  if (Number.isInteger(value) && !Object.is(value, -0)) {
    if (value >= 0 && value < 0x80) return void (out.bytes[out.at++] = value)
    if (value < 0 && value >= -32) return void (out.bytes[out.at++] = value & 0xff)
    if (value >= -0x80000000 && value <= 0x7fffffff) {
      out.bytes[out.at] = 0xd2
      out.view.setInt32(out.at + 1, value)
      out.at += 5
      return
    }
  }
  out.bytes[out.at] = 0xcb
  out.view.setFloat64(out.at + 1, value)
  out.at += 9
}

/** A short form with the length in the first byte below `limit`, else two or four bytes of length. */
function writeHead(out: Output, length: number, short: number, limit: number, long: number): void {
  room(out, 5)
  if (length < limit) out.bytes[out.at++] = short | length
  else if (length < 0x10000) {
    out.bytes[out.at] = long
    out.view.setUint16(out.at + 1, length)
    out.at += 3
  } else {
    out.bytes[out.at] = long + 1
    out.view.setUint32(out.at + 1, length)
    out.at += 5
  }
}

function writeText(out: Output, text: string): void {
  if (text.length < SHORT) {
    room(out, SHORT)
    let at = out.at + 1
    let index = 0
    for (; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      if (unit > 0x7f) break
      out.bytes[at++] = unit
    }
    if (index === text.length) {
      out.bytes[out.at] = 0xa0 | text.length
      out.at = at
      return
    }
  }
  // The length is known only afterwards: its form is that of the longest that the text can become.
  const head = text.length * 3 < 0x10000 ? 3 : 5
  room(out, head + text.length * 3)
  const start = out.at + head
  const end = utf8Into(text, out.bytes, start)
  out.bytes[out.at] = head === 3 ? 0xda : 0xdb
  if (head === 3) out.view.setUint16(out.at + 1, end - start)
  else out.view.setUint32(out.at + 1, end - start)
  out.at = end
}

function writeBytes(out: Output, bytes: Uint8Array): void {
  writeHead(out, bytes.length, 0, 0, 0xc5)
  room(out, bytes.length)
  out.bytes.set(bytes, out.at)
  out.at += bytes.length
}

function take(input: Input, length: number): Uint8Array {
  const end = input.at + length
  if (end > input.bytes.length) throw new RangeError("it ends too early")
  const part = input.bytes.subarray(input.at, end)
  input.at = end
  return part
}

function length16(input: Input): number {
  input.at += 2
  return input.view.getUint16(input.at - 2)
}

function length32(input: Input): number {
  input.at += 4
  return input.view.getUint32(input.at - 4)
}

function read(input: Input, depth: number): unknown {
  if (depth > DEEPEST) throw new RangeError("it is too deep")
  const head = input.view.getUint8(input.at++)
  if (head < 0x80) return head
  if (head < 0x90) return readObject(input, head & 0x0f, depth)
  if (head < 0xa0) return readArray(input, head & 0x0f, depth)
  if (head < 0xc0) return readText(input, head & 0x1f)
  if (head >= 0xe0) return head - 0x100
  switch (head) {
    case 0xc0:
      return null
    case 0xc2:
      return false
    case 0xc3:
      return true
    case 0xc5:
      return Uint8Array.from(take(input, length16(input)))
    case 0xc6:
      return Uint8Array.from(take(input, length32(input)))
    case 0xcb:
      input.at += 8
      return input.view.getFloat64(input.at - 8)
    case 0xd2:
      input.at += 4
      return input.view.getInt32(input.at - 4)
    case 0xda:
      return readText(input, length16(input))
    case 0xdb:
      return readText(input, length32(input))
    case 0xdc:
      return readArray(input, length16(input), depth)
    case 0xdd:
      return readArray(input, length32(input), depth)
    case 0xde:
      return readObject(input, length16(input), depth)
    case 0xdf:
      return readObject(input, length32(input), depth)
    default:
      throw new RangeError(`byte ${head} begins no value`)
  }
}

function readText(input: Input, length: number): string {
  if (length >= SHORT) return fromUtf8(take(input, length))
  const end = input.at + length
  let text = ""
  for (let at = input.at; at < end; at++) {
    const byte = input.bytes[at] ?? 0x80
    if (byte > 0x7f) return fromUtf8(take(input, length))
    text += String.fromCharCode(byte)
  }
  input.at = end
  return text
}

function readArray(input: Input, length: number, depth: number): unknown[] {
  if (length > input.bytes.length - input.at) throw new RangeError("it ends too early")
  const items: unknown[] = []
  for (let index = 0; index < length; index++) items.push(read(input, depth + 1))
  return items
}

function readObject(input: Input, length: number, depth: number): Record<string, unknown> {
  const object: Record<string, unknown> = {}
  for (let index = 0; index < length; index++) {
    const key = read(input, depth + 1)
    if (typeof key !== "string") throw new RangeError("a key is no text")
    const value = read(input, depth + 1)
    if (key === "__proto__") {
      Object.defineProperty(object, key, { value, enumerable: true, writable: true, configurable: true })
    } else object[key] = value
  }
  return object
}
