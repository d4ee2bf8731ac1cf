import { inflateSync } from "node:zlib"
import qrcode from "qrcode"
import { describe, expect, it } from "vitest"
import { drawQr } from "../../core/routes/qr-picture.ts"
import { preferred } from "../../core/routes/accept.ts"

const text = "https://wa.me/settings/linked_devices#2@abc,def+/=,ghi,jkl,1"
const margin = 4

/** Which modules are dark, as the library says, without any drawing. */
const expected = (): boolean[][] => {
  const { modules } = qrcode.create(text, { errorCorrectionLevel: "M" })
  const side = modules.size + 2 * margin
  return Array.from({ length: side }, (_, y) =>
    Array.from({ length: side }, (_, x) => {
      const [column, row] = [x - margin, y - margin]
      const inside = column >= 0 && row >= 0 && column < modules.size && row < modules.size
      return inside && modules.get(row, column) === 1
    }),
  )
}

interface Chunk {
  readonly type: string
  readonly data: Buffer
}

const chunksOf = (png: Uint8Array): Chunk[] => {
  const bytes = Buffer.from(png)
  expect(bytes.subarray(0, 8).toString("hex")).toBe("89504e470d0a1a0a")
  const chunks: Chunk[] = []
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at)
    chunks.push({ type: bytes.toString("latin1", at + 4, at + 8), data: bytes.subarray(at + 8, at + 8 + length) })
    at += length + 12
  }
  return chunks
}

describe("the picture of a QR code", () => {
  it("as PNG has every module where the library puts it, with a quiet zone around", async () => {
    const [header, data, end] = chunksOf((await drawQr(text, "image/png")) as Uint8Array)
    expect([header?.type, data?.type, end?.type]).toEqual(["IHDR", "IDAT", "IEND"])
    const want = expected()
    const size = header?.data.readUInt32BE(0) ?? 0
    const scale = size / want.length
    const rows = inflateSync(data?.data ?? Buffer.alloc(0))
    const stride = Math.ceil(size / 8) + 1
    const dark = (x: number, y: number): boolean =>
      (((rows[y * stride + 1 + (x >> 3)] ?? 0) >> (7 - (x & 7))) & 1) === 0
    for (const [y, line] of want.entries()) {
      for (const [x, module] of line.entries()) {
        expect(dark(x * scale, y * scale)).toBe(module)
        expect(dark((x + 1) * scale - 1, (y + 1) * scale - 1)).toBe(module)
      }
    }
  })

  it("as text has every module in a half block", async () => {
    const lines = String(await drawQr(text, "text/plain")).split("\n")
    for (const [y, line] of expected().entries()) {
      for (const [x, module] of line.entries()) {
        const light = y % 2 === 0 ? ["█", "▀"] : ["█", "▄"]
        expect(light.includes(lines[y >> 1]?.[x] ?? "?")).toBe(!module)
      }
    }
  })

  it("as SVG draws exactly the dark modules", async () => {
    const svg = String(await drawQr(text, "image/svg+xml"))
    const drawn = new Set([...svg.matchAll(/M(\d+) (\d+)h1v1h-1z/g)].map(([, x, y]) => `${x},${y}`))
    const dark = expected().flatMap((line, y) => line.flatMap((module, x) => (module ? [`${x},${y}`] : [])))
    expect([...drawn].sort()).toEqual(dark.sort())
  })
})

describe("Accept", () => {
  const offered = ["application/json", "image/png", "text/plain"] as const
  for (const [accept, expectedType] of [
    [null, "application/json"],
    ["*/*", "application/json"],
    ["image/png", "image/png"],
    ["image/*", "image/png"],
    ["text/html,application/xhtml+xml,image/png;q=0.8,*/*;q=0.1", "image/png"],
    ["application/json;q=0.5, text/plain", "text/plain"],
    ["*/*, application/json;q=0", "image/png"],
    ["video/mp4", undefined],
    ["image/png;q=banana", undefined],
  ] as const) {
    it(`${accept} gives ${expectedType}`, () => expect(preferred(accept, [...offered])).toBe(expectedType))
  }
})
