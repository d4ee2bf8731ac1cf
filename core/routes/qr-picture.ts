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
    return png(size, dark)
  }
  return type === "image/svg+xml" ? svg(size, dark) : blocks(size, dark)
}

type Dark = (x: number, y: number) => boolean

/** Of 8-bit grey, by a library that runs on every runtime; loaded with the first picture, as the QR library is. */
async function png(size: number, dark: Dark): Promise<Uint8Array<ArrayBuffer>> {
  const { encode } = await import("fast-png")
  const width = size * PIXELS_PER_MODULE
  const data = new Uint8Array(width * width)
  for (let at = 0; at < data.length; at++) {
    const [x, y] = [at % width, Math.floor(at / width)]
    data[at] = dark(Math.floor(x / PIXELS_PER_MODULE), Math.floor(y / PIXELS_PER_MODULE)) ? 0 : 255
  }
  return new Uint8Array(encode({ width, height: width, data, channels: 1, depth: 8 }))
}

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
