import { inflateSync } from "node:zlib"
import { decodeDecompressedBinaryNode } from "@whiskeysockets/baileys/lib/WABinary/decode.js"
import { encodeBinaryNode } from "@whiskeysockets/baileys/lib/WABinary/encode.js"
import * as tokens from "@whiskeysockets/baileys/lib/WABinary/constants.js"

/** One stanza of the protocol: a tag, string attributes, and children, bytes or nothing. */
export interface Node {
  tag: string
  attrs: Record<string, string>
  content?: Node[] | string | Uint8Array
}

type Attributes = Record<string, string | number | undefined>

/** Builds a stanza; attributes that are undefined are left out. */
export function el(tag: string, attrs: Attributes = {}, content?: Node[] | Uint8Array | string): Node {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(attrs)) if (value !== undefined) kept[name] = String(value)
  return content === undefined ? { tag, attrs: kept } : { tag, attrs: kept, content }
}

export function children(node: Node | undefined, tag?: string): Node[] {
  if (!Array.isArray(node?.content)) return []
  return tag === undefined ? node.content : node.content.filter((item) => item.tag === tag)
}

export function child(node: Node | undefined, tag: string): Node | undefined {
  return Array.isArray(node?.content) ? node.content.find((item) => item.tag === tag) : undefined
}

/** The bytes inside a stanza; undefined when it has none. */
export function bytesOf(node: Node | undefined): Buffer | undefined {
  const content = node?.content
  if (content === undefined || Array.isArray(content)) return undefined
  return typeof content === "string"
    ? Buffer.from(content)
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength)
}

export function encodeNode(node: Node): Buffer {
  return encodeBinaryNode(node)
}

/** Synchronous, unlike the library's own: frames must be taken in the order in which they came. */
export function decodeNode(frame: Buffer): Node {
  const compressed = (frame.readUInt8(0) & 2) !== 0
  const body = compressed ? inflateSync(frame.subarray(1)) : frame.subarray(1)
  return decodeDecompressedBinaryNode(body, tokens)
}

export function bigEndian(value: number, length: number): Buffer {
  const out = Buffer.alloc(length)
  out.writeUIntBE(value, 0, length)
  return out
}

export function fromBigEndian(bytes: Uint8Array | null | undefined): number {
  return bytes === null || bytes === undefined || bytes.length === 0
    ? 0
    : Buffer.from(bytes).readUIntBE(0, bytes.length)
}

/** Seconds since the epoch, as `t` attributes carry them. */
export function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
