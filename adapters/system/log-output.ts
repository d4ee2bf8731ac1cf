import { writeSync } from "node:fs"
import { isatty } from "node:tty"

/** Standard output as far as the log needs it. */
export interface Output {
  readonly isTTY?: boolean
  write(text: string): unknown
}

/** Whoever reads the output through a pipe and is behind gets a second to read on, in steps. */
const STEPS = 200
const STEP_MS = 5
/** Nobody reads there any more, or never has: no later line will get through. */
const GONE: ReadonlySet<string> = new Set(["EPIPE", "EIO", "EBADF", "ECONNRESET", "ENOTCONN"])

/**
 * Standard output, each text handed over before `write` returns. It never throws: a log that nobody reads (`| head`), a full
 * disk behind it, or a reader that is stuck costs lines of the log and no more; how many is told as soon as one gets through.
 */
export function openOutput(descriptor: number, put: typeof writeSync = writeSync, now = () => new Date()): Output {
  const encoder = new TextEncoder()
  let gone = false
  /** Nobody took the last line in time, so that this one is not waited for. */
  let behind = false
  /** The last line was cut off: what follows begins a line of its own. */
  let torn = false
  let missing = 0

  const wait = new Int32Array(new SharedArrayBuffer(4))
  const hand = (text: string): void => {
    const bytes = encoder.encode(torn ? `\n${text}` : text)
    let steps = behind ? STEPS : 0
    for (let at = 0; at < bytes.length; ) {
      try {
        at += put(descriptor, bytes, at)
        torn = at < bytes.length
      } catch (thrown) {
        if ((thrown as NodeJS.ErrnoException).code !== "EAGAIN" || steps++ >= STEPS) throw thrown
        Atomics.wait(wait, 0, 0, STEP_MS)
      }
    }
    behind = false
  }

  return {
    isTTY: isatty(descriptor),
    write(text) {
      if (gone) return
      try {
        if (missing > 0) hand(gap(missing, now()))
        missing = 0
        hand(text)
      } catch (thrown) {
        const { code = "" } = thrown as NodeJS.ErrnoException
        gone = GONE.has(code)
        behind = code === "EAGAIN"
        missing++
      }
    },
  }
}

const gap = (repeated: number, time: Date): string =>
  `${JSON.stringify({ level: "warn", time, repeated, msg: "Lines are missing here: nobody took them" })}\n`
