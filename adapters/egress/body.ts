import { once } from "node:events"
import type { IncomingMessage } from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import { createBrotliDecompress, createGunzip, createInflate, createInflateRaw } from "node:zlib"
import { faults } from "./faults.ts"

/** What is asked for with `Accept-Encoding`. */
export const ENCODINGS = "gzip, deflate, br"

/** Text that repeats itself shrinks to a hundredth; what unfolds further than this is meant to fill our memory. */
const HIGHEST_RATIO = 200
/** So much output is let through whatever its ratio. */
const SMALL = 1_048_576

const KNOWN: ReadonlySet<string> = new Set(["", "identity", "gzip", "x-gzip", "deflate", "br"])

type Chunks = AsyncIterable<Uint8Array>

/** The body, decompressed. Rejects with URL_ANSWER_UNUSABLE past `limit` bytes of it, and with URL_UNREACHABLE when it is cut off. */
export async function readBody(answer: IncomingMessage, limit: number): Promise<Uint8Array> {
  if (Number(answer.headers["content-length"] ?? 0) > limit) throw faults.size(limit)
  const encoding = (answer.headers["content-encoding"] ?? "").trim().toLowerCase()
  if (!KNOWN.has(encoding)) throw faults.encoding()
  const kept: Uint8Array[] = []
  let taken = 0
  let given = 0
  // Of the errors of a chain of streams that falls apart, any may be the one that is told.
  let tooLarge: Error | undefined

  async function* count(chunks: Chunks): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      taken += chunk.length
      if (taken > limit) throw (tooLarge = faults.size(limit))
      yield chunk
    }
  }
  const keep = async (chunks: AsyncIterable<unknown>): Promise<void> => {
    for await (const chunk of chunks as Chunks) {
      given += chunk.length
      if (given > limit) throw (tooLarge = faults.size(limit))
      if (given > SMALL && given > taken * HIGHEST_RATIO) throw (tooLarge = faults.bomb())
      kept.push(chunk)
    }
  }

  try {
    if (encoding === "" || encoding === "identity") await keep(count(answer))
    else {
      const opener = await openerOf(encoding, answer)
      // An empty body of an answer that announces compression is no stream of any.
      if (opener !== undefined) await pipeline(Readable.from(count(answer)), opener, keep)
    }
  } catch {
    throw tooLarge ?? (answer.complete ? faults.encoding() : faults.broken())
  }
  if (!answer.complete) throw faults.broken()
  return new Uint8Array(Buffer.concat(kept))
}

/** What opens this encoding; undefined when there is nothing to open. */
async function openerOf(encoding: string, answer: IncomingMessage): Promise<NodeJS.ReadWriteStream | undefined> {
  const first = await peek(answer)
  if (first === undefined) return undefined
  if (encoding === "gzip" || encoding === "x-gzip") return createGunzip()
  if (encoding === "br") return createBrotliDecompress()
  // Half of the servers that say deflate leave the zlib header away.
  return (first & 0x0f) === 8 ? createInflate() : createInflateRaw()
}

/** The first byte of the body, left in it. */
async function peek(answer: IncomingMessage): Promise<number | undefined> {
  for (;;) {
    const chunk = answer.read() as Buffer | null
    if (chunk !== null && chunk.length > 0) {
      answer.unshift(chunk)
      return chunk[0]
    }
    if (answer.readableEnded) return undefined
    if (answer.destroyed) throw faults.broken()
    await Promise.race([once(answer, "readable"), once(answer, "end"), once(answer, "close")])
  }
}
