import type { Clock } from "../clock.ts"
import { appError } from "../errors.ts"
import type { BodyRoom } from "./body-room.ts"

/** Bodies: read with a limit and a deadline, decoded strictly, parsed with care. */

/** The deepest nesting a body may have. */
export const MAX_DEPTH = 32
/** What a body has beside the time that its bytes earn: a large one on a slow line comes through, a trickle does not. */
const BODY_GRACE_MS = 30_000
const BYTES_PER_SECOND = 16_384
/** Up to here a body is taken in one piece: the time that so few bytes earn is not worth counting them. */
const IN_ONE_PIECE = 65_536
/** Up to here it is not counted what callers send whom nobody knows: most calls are no larger. */
const UNCOUNTED = 4_096

/** The Content-Length in bytes, or undefined where the length is not told. */
export function declaredLength(headers: Headers): number | undefined {
  const text = headers.get("content-length")
  if (text === null || headers.has("transfer-encoding")) return undefined
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined
}

/** True for `application/json`, in UTF-8 and not compressed. */
export function isJson(headers: Headers): boolean {
  return isText(headers, "application/json")
}

/** True for a body of this type, in UTF-8 and not compressed. */
export function isText(headers: Headers, wanted: string): boolean {
  const encoding = headers.get("content-encoding")
  if (encoding !== null && encoding.toLowerCase() !== "identity") return false
  const [type, ...parameters] = (headers.get("content-type") ?? "").toLowerCase().split(";")
  if (type?.trim() !== wanted) return false
  return parameters.every((parameter) => {
    const [name, value] = parameter.split("=")
    return name?.trim() !== "charset" || /^\s*"?utf-?8"?\s*$/.test(value ?? "")
  })
}

/**
 * The whole body. Throws PAYLOAD_TOO_LARGE past `limit` bytes, having read no more than one chunk beyond it, and
 * INVALID_JSON for a body that breaks off, or that takes longer than 30 s and 1 s more for each 16 KiB that have come.
 * `declared`: what Content-Length says, as far as it is known already. `room`: what the body has to fit into together with
 * others that come at the same time, else SERVER_BUSY.
 */
export async function readBody(
  request: Request,
  limit: number,
  clock: Clock,
  declared = declaredLength(request.headers),
  room?: BodyRoom,
): Promise<Uint8Array> {
  if (declared !== undefined && declared <= (room === undefined ? IN_ONE_PIECE : UNCOUNTED)) {
    const bytes = await inTime(clock, () => readAll(request))
    if (bytes.byteLength > limit) throw tooLarge(limit)
    return bytes
  }
  const chunks: Uint8Array[] = []
  let kept = 0
  let over = false
  const reading = inTime(clock, (late, came) =>
    readChunks(request, limit, late, (chunk) => {
      came(chunk.byteLength)
      // One more may be on its way when the time is over.
      if (over) return
      room?.take(chunk.byteLength)
      kept += chunk.byteLength
      chunks.push(chunk)
    }),
  )
  const size = await reading.finally(() => {
    over = true
    room?.give(kept)
  })
  const [only] = chunks
  if (chunks.length === 1 && only !== undefined) return only
  const whole = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    whole.set(chunk, offset)
    offset += chunk.byteLength
  }
  return whole
}

/** How long the body is, in bytes, with the same limits, and without keeping it: for callers whom nobody knows. */
export function measureBody(request: Request, limit: number, clock: Clock): Promise<number> {
  return inTime(clock, (late, came) => readChunks(request, limit, late, (chunk) => came(chunk.byteLength)))
}

/** What `read` gives, as long as it tells of enough bytes that came. `late` takes what ends it when it does not. */
function inTime<T>(
  clock: Clock,
  read: (late: (stop: () => void) => void, came: (bytes: number) => void) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const begun = clock.monotonic()
    let size = 0
    let stop = (): void => undefined
    const look = (): void => {
      const left = begun + BODY_GRACE_MS + Math.floor(size / BYTES_PER_SECOND) * 1_000 - clock.monotonic()
      if (left > 0) {
        timer = clock.after(Math.ceil(left), look)
        return
      }
      stop()
      reject(appError("INVALID_JSON", { message: "The body did not arrive in time" }))
    }
    let timer = clock.after(BODY_GRACE_MS, look)
    const reading = read(
      (task) => void (stop = task),
      (bytes) => void (size += bytes),
    )
    reading.then(
      (value) => {
        timer.cancel()
        resolve(value)
      },
      (error: Error) => {
        timer.cancel()
        reject(error)
      },
    )
  })
}

export function tooLarge(limit: number): Error {
  return appError("PAYLOAD_TOO_LARGE", { message: `The body is larger than ${limit} bytes` })
}

const brokenOff = (cause: unknown): Error =>
  appError("INVALID_JSON", { message: "The body ended before it was complete", cause })

/** A declared length is below the limit already, and the server holds the sender to it. */
async function readAll(request: Request): Promise<Uint8Array> {
  try {
    return new Uint8Array(await request.arrayBuffer())
  } catch (cause) {
    throw brokenOff(cause)
  }
}

/** Hands on each chunk; the length of all. */
async function readChunks(
  request: Request,
  limit: number,
  late: (stop: () => void) => void,
  take: (chunk: Uint8Array) => void,
): Promise<number> {
  if (request.body === null) return 0
  const reader = request.body.getReader()
  let size = 0
  // Cancelling is a courtesy to the sender; what a broken stream says to it changes nothing.
  const stop = (): void => void reader.cancel().catch(() => undefined)
  late(stop)
  for (;;) {
    const chunk = await reader.read().catch((cause: unknown) => {
      throw brokenOff(cause)
    })
    if (chunk.done) return size
    size += chunk.value.byteLength
    if (size > limit) {
      stop()
      throw tooLarge(limit)
    }
    try {
      take(chunk.value)
    } catch (refusal) {
      stop()
      throw refusal
    }
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** The value of a JSON text in UTF-8 (a byte order mark is skipped). Throws INVALID_JSON, saying why but never what. */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) throw appError("INVALID_JSON", { message: "A JSON body is required" })
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    // The decoder's own words add nothing for the caller.
    throw appError("INVALID_JSON", { message: "The body is not valid UTF-8" })
  }
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The parser's message quotes the body, which may hold a phone number or a text.
    throw appError("INVALID_JSON")
  }
  // What stands in front of us may have read the first of two values, and we would go by the last.
  if (inspect(value, 0) !== countKeys(text)) {
    throw appError("INVALID_JSON", { message: "An object in the body has the same key twice" })
  }
  return value
}

const QUOTE = 34
const COLON = 58
const BACKSLASH = 92

/** Keys written in a valid JSON text: colons outside of strings. */
function countKeys(text: string): number {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === COLON) count++
    if (unit === QUOTE) at = endOfString(text, at + 1)
  }
  return count
}

/** Where the string that begins at `from` has its closing quote. */
function endOfString(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    if (unit === BACKSLASH) at++
    else if (unit === QUOTE) return at
  }
  return text.length
}

/** Before anything walks the value by recursion or copies its keys. Gives the number of keys in it. */
function inspect(value: unknown, depth: number): number {
  if (typeof value !== "object" || value === null) return 0
  if (depth === MAX_DEPTH) {
    throw appError("INVALID_JSON", { message: `The body is nested deeper than ${MAX_DEPTH} levels` })
  }
  if (Array.isArray(value)) {
    let keys = 0
    for (const item of value) keys += inspect(item, depth + 1)
    return keys
  }
  let keys = 0
  for (const [key, item] of Object.entries(value)) {
    if (key === "__proto__" || key === "constructor" || key === "prototype") {
      throw appError("INVALID_JSON", {
        message: "The body has a key that is not allowed: __proto__, constructor or prototype",
      })
    }
    keys += 1 + inspect(item, depth + 1)
  }
  return keys
}
