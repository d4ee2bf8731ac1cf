import { encodePng } from "../png.ts"

export type PictureType = "image/png" | "image/svg+xml" | "text/plain"

/** Light modules around the code, which scanners need; the standard asks for four. */
const MARGIN = 4
const PIXELS_PER_MODULE = 8

/** A scannable picture of the text. The QR library is loaded with the first picture. */
export async function drawQr(text: string, type: PictureType): Promise<Uint8Array<ArrayBuffer> | string> {
  const { default: qrcode } = await import("qrcode")
  const { modules } = qrcode.create(text, { errorCorrectionLevel: "M" })
  const size = modules.size + 2 * MARGIN
  const dark = (x: number, y: number): boolean => {
    const column = x - MARGIN
    const row = y - MARGIN
    const inside = column >= 0 && row >= 0 && column < modules.size && row < modules.size
    return inside && modules.get(row, column) === 1
  }
  if (type === "image/png") {
    const scale = PIXELS_PER_MODULE
    return encodePng(size * scale, (x, y) => dark(Math.floor(x / scale), Math.floor(y / scale)))
  }
  return type === "image/svg+xml" ? svg(size, dark) : blocks(size, dark)
}

type Dark = (x: number, y: number) => boolean

function svg(size: number, dark: Dark): string {
  let path = ""
  for (let y = 0; y < size; y++) for (let x = 0; x < size; x++) if (dark(x, y)) path += `M${x} ${y}h1v1h-1z`
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" width="${size * 8}" height="${size * 8}" ` +
    `shape-rendering="crispEdges"><path fill="#fff" d="M0 0h${size}v${size}H0z"/><path d="${path}"/></svg>`
  )
}

/** Two rows in one line of half blocks. Light modules are drawn, since terminals are mostly dark. */
function blocks(size: number, dark: Dark): string {
  const lines: string[] = []
  for (let y = 0; y < size; y += 2) {
    let line = ""
    for (let x = 0; x < size; x++) {
      const upper = !dark(x, y)
      const lower = y + 1 < size && !dark(x, y + 1)
      line += upper ? (lower ? "█" : "▀") : lower ? "▄" : " "
    }
    lines.push(line)
  }
  return `${lines.join("\n")}\n`
}
