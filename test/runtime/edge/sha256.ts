/** SHA-256 and HMAC without a machine beneath: an edge's own digests are asynchronous, and the house needs them at once. */

const BLOCK = 64
const K = constants(64, 1 / 3)

export function sha256(data: Uint8Array): Uint8Array {
  const hash = openSha256()
  hash.update(data)
  return hash.digest()
}

/** The digest of bytes that come in parts. */
export function openSha256(): { update(data: Uint8Array): void; digest(): Uint8Array } {
  const state = constants(8, 1 / 2)
  const words = new Uint32Array(64)
  let rest = new Uint8Array()
  let length = 0
  const feed = (bytes: DataView): void => {
    for (let at = 0; at + BLOCK <= bytes.byteLength; at += BLOCK) mix(state, words, bytes, at)
  }
  return {
    update(data) {
      length += data.length
      const bytes = new Uint8Array([...rest, ...data])
      feed(new DataView(bytes.buffer))
      rest = bytes.slice(bytes.length - (bytes.length % BLOCK))
    },
    digest() {
      feed(ending(rest, length))
      const out = new DataView(new ArrayBuffer(32))
      state.forEach((word, i) => out.setUint32(i * 4, word))
      return new Uint8Array(out.buffer)
    },
  }
}

export function hmac(key: Uint8Array, data: Uint8Array): Uint8Array {
  const short = new Uint8Array(BLOCK)
  short.set(key.length > BLOCK ? sha256(key) : key)
  const keyed = (byte: number, rest: Uint8Array): Uint8Array =>
    sha256(new Uint8Array([...short.map((one) => one ^ byte), ...rest]))
  return keyed(0x5c, keyed(0x36, data))
}

/** The first 32 bits of the fractional parts of the roots of the first primes. */
function constants(count: number, root: number): Uint32Array {
  const found: number[] = []
  for (let candidate = 2; found.length < count; candidate++) {
    let prime = true
    for (let d = 2; d * d <= candidate; d++) if (candidate % d === 0) prime = false
    if (prime) found.push((candidate ** root % 1) * 2 ** 32)
  }
  return Uint32Array.from(found)
}

/** What is left of `length` bytes, filled up to whole blocks. */
function ending(rest: Uint8Array, length: number): DataView {
  const size = Math.ceil((rest.length + 9) / BLOCK) * BLOCK
  const bytes = new Uint8Array(size)
  bytes.set(rest)
  bytes[rest.length] = 0x80
  const view = new DataView(bytes.buffer)
  view.setBigUint64(size - 8, BigInt(length) * 8n)
  return view
}

const turn = (word: number, by: number): number => (word >>> by) | (word << (32 - by))

function mix(state: Uint32Array, w: Uint32Array, view: DataView, at: number): void {
  for (let i = 0; i < 16; i++) w[i] = view.getUint32(at + i * 4)
  for (let i = 16; i < 64; i++) {
    const [x, y] = [w[i - 15] ?? 0, w[i - 2] ?? 0]
    const low = turn(x, 7) ^ turn(x, 18) ^ (x >>> 3)
    const high = turn(y, 17) ^ turn(y, 19) ^ (y >>> 10)
    w[i] = (w[i - 16] ?? 0) + low + (w[i - 7] ?? 0) + high
  }
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = state
  for (let i = 0; i < 64; i++) {
    const one = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + (K[i] ?? 0) + (w[i] ?? 0)
    const two = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))
    ;[h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0]
  }
  ;[a, b, c, d, e, f, g, h].forEach((word, i) => {
    state[i] = (state[i] ?? 0) + word
  })
}
