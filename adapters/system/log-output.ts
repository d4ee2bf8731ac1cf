import { writeSync } from "node:fs"
import { isatty } from "node:tty"

/** Standard output as far as the log needs it. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Whoever reads the output through a pipe and is behind gets this long to read on, in steps. */
const STEPS = 20
const STEP_MS = 5
/** Nobody reads there any more, or never has: no later line will get through. */
const GONE: ReadonlySet<string> = new Set(["EPIPE", "EIO", "EBADF", "ECONNRESET", "ENOTCONN"])

/**
 * Standard output, each text handed over before `write` returns. It never throws: a log that nobody reads (`| head`), a full
 * disk behind it, or a reader that is stuck costs lines of the log and no more.
 */
export function openOutput(descriptor: number, write: typeof writeSync = writeSync): Output {
  const encoder = new TextEncoder()
  let gone = false
  /** Nobody took the last line in time, so that this one is not waited for. */
  let behind = false
  /** The last line was cut off: what follows begins a line of its own. */
  let torn = false

  const put = (bytes: Uint8Array): void => {
    let at = 0
    let waits = behind ? STEPS : 0
    try {
      while (at < bytes.length) {
        try {
          at += write(descriptor, bytes, at)
          behind = false
        } catch (thrown) {
          if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN" || waits++ >= STEPS) throw thrown
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STEP_MS)
        }
      }
      torn = false
    } catch (thrown) {
      const { code = "" } = thrown as NodeJS.ErrnoException
      gone = GONE.has(code)
      behind = code === "EAGAIN"
      torn ||= at > 0
    }
  }

  return {
    isTTY: isatty(descriptor),
    write(text) {
      if (!gone) put(encoder.encode(torn ? `\n${text}` : text))
    },
  }
}
