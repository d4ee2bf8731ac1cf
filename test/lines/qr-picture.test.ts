import { decode } from "fast-png"
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

describe("the picture of a QR code", () => {
  it("as PNG has every module where the library puts it, with a quiet zone around", async () => {
    const { width, height, data, channels } = decode((await drawQr(text, "image/png")) as Uint8Array)
    const want = expected()
    const scale = width / want.length
    expect([height, channels, Number.isInteger(scale)]).toEqual([width, 1, true])
    const dark = (x: number, y: number): boolean => data[y * width + x] === 0
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
