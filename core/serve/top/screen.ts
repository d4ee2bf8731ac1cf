import process from "node:process"
import type { Size } from "./frame.ts"

/** A terminal taken over as a whole, and given back as it was. */
export interface Screen {
  size(): Size
  /** Shows these lines, from the top. */
  show(lines: readonly string[]): void
  /** Gives the terminal back. Idempotent. */
  close(): void
}

export interface ScreenEvents {
  /** One key at a time, as the terminal sends it. */
  key(text: string): void
  resize(): void
}

const ENTER = "\u001b[?1049h\u001b[?25l\u001b[2J"
const LEAVE = "\u001b[?25h\u001b[?1049l"
const STANDARD: Size = { columns: 80, rows: 24 }

export function openScreen({ key, resize }: ScreenEvents): Screen {
  const { stdin, stdout } = process
  let open = true
  const onData = (bytes: Buffer): void => {
    for (const sign of bytes.toString()) key(sign)
  }
  const close = (): void => {
    if (!open) return
    open = false
    stdout.off("resize", resize)
    stdin.off("data", onData)
    if (stdin.isTTY) stdin.setRawMode(false)
    stdin.pause()
    stdout.write(LEAVE)
    process.off("exit", close)
  }
  // Whatever ends the process, an error that nobody caught among it.
  process.once("exit", close)
  stdout.on("resize", resize)
  if (stdin.isTTY) {
    stdin.setRawMode(true)
    stdin.on("data", onData)
    stdin.resume()
  }
  stdout.write(ENTER)
  return {
    // A terminal that does not know its size says 0.
    size: () => ({ columns: stdout.columns || STANDARD.columns, rows: stdout.rows || STANDARD.rows }),
    show(lines) {
      if (open) stdout.write(`\u001b[H${lines.map((line) => `${line}\u001b[K`).join("\r\n")}\u001b[J`)
    },
    close,
  }
}
