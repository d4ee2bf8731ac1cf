import { createHash } from "node:crypto"
import { CommandFailure } from "./failure.ts"

const NEWLINE = 0x0a

export interface ExportEnd {
  readonly lines: number
  readonly counts: Readonly<Record<string, number>>
}

/** Looks at an export as it passes by, and knows at its end whether it is whole. */
export interface ExportCheck {
  see(chunk: Uint8Array): void
  /** Throws for one that was cut off or changed on its way. */
  end(): ExportEnd
}

export function checkExport(): ExportCheck {
  const hash = createHash("sha256")
  /** The last line so far, complete or not: only what comes behind it says that it is not the end. */
  let parts: Uint8Array[] = []
  let complete = false
  return {
    see(chunk) {
      for (let from = 0; from < chunk.length; ) {
        if (complete) {
          for (const part of parts) hash.update(part)
          parts = []
          complete = false
        }
        const end = chunk.indexOf(NEWLINE, from)
        const to = end < 0 ? chunk.length : end + 1
        // A copy: the stream may use the chunk again.
        parts.push(chunk.slice(from, to))
        complete = end >= 0
        from = to
      }
    },
    end() {
      const last = complete ? endLine(Buffer.concat(parts).toString("utf8")) : undefined
      if (last === undefined) throw broken("The export was cut off: its last line is missing")
      if (last.sha256 !== hash.digest("hex")) throw broken("The export was changed on its way: its digest does not fit")
      return { lines: last.lines, counts: last.counts }
    },
  }
}

function endLine(text: string): (ExportEnd & { readonly sha256: string }) | undefined {
  const line = JSON.parse(text) as { readonly kind?: unknown } & ExportEnd & { readonly sha256: string }
  return line.kind === "end" ? line : undefined
}

const broken = (message: string): CommandFailure =>
  new CommandFailure(message, { remedy: "Try again; the server's log says why it broke off" })
