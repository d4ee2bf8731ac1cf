import { closeSync, fstatSync, openSync, renameSync, rmSync, type Stats, statSync, writeSync } from "node:fs"
import { dirname } from "node:path"
import { makeFolder } from "./make-folder.ts"

export interface LogFileOptions {
  /** The file that lines are appended to; made with its folder if missing. */
  readonly path: string
  /** Bytes after which the file is set aside as `<path>.1`. Default 10 MiB. */
  readonly maxBytes?: number
  /** Files set aside that are kept, `<path>.1` being the newest. Default 5. */
  readonly keep?: number
  /** Where it is said that the file cannot be written. Default: standard error. */
  readonly complain?: (text: string) => unknown
  /** Milliseconds that never go back. */
  readonly now?: () => number
  readonly append?: typeof writeSync
}

export interface LogFile {
  write(line: string): void
  close(): void
}

/** How often it is looked whether the file is still the one of that name. */
const LOOK_MS = 100
/** Between two complaints. */
const COMPLAINT_MS = 60_000

/**
 * A log file that is rotated by size. Each line is handed to the operating system before `write` returns, so that a
 * killed process has logged what it did last. A file that somebody else moves or deletes, such as logrotate or another
 * process that logs into it, is opened anew. One that cannot be written (a full disk) never stops the server: it is said on
 * standard error, and each further line tries again.
 */
export function openLogFile({
  path,
  maxBytes = 10 * 1024 * 1024,
  keep = 5,
  complain = toStderr,
  now = () => performance.now(),
  append = writeSync,
}: LogFileOptions): LogFile {
  const encoder = new TextEncoder()
  let descriptor: number | undefined
  let opened: Stats | undefined
  let size = 0
  let mostBytes = maxBytes
  let lookedAt = 0
  let complainedAt = Number.NEGATIVE_INFINITY
  /** Lines that are not in it. */
  let missing = 0
  let complained = false
  /** The last line was cut off: the next begins a line of its own. */
  let torn = false

  const say = (what: string, thrown: unknown): void => {
    if (now() - complainedAt < COMPLAINT_MS) return
    complainedAt = now()
    complained = true
    complain(`The log file ${what}: ${(thrown as Error).message}\n`)
  }
  const open = (): number => {
    makeFolder(dirname(path))
    descriptor = openSync(path, "a", 0o600)
    opened = fstatSync(descriptor)
    ;({ size } = opened)
    mostBytes = maxBytes
    lookedAt = now()
    return descriptor
  }
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }
  /** Closes the file when another one has taken its name, or none. */
  const look = (): void => {
    lookedAt = now()
    const there = statSync(path, { throwIfNoEntry: false })
    if (there?.ino !== opened?.ino || there?.dev !== opened?.dev) return close()
    // Others may write into it as well.
    if (there !== undefined) ({ size } = there)
  }
  const setAside = (): void => {
    rmSync(`${path}.${keep}`, { force: true })
    for (let number = keep - 1; number >= 0; number--) {
      const from = number === 0 ? path : `${path}.${number}`
      try {
        renameSync(from, `${path}.${number + 1}`)
      } catch (thrown) {
        // Fewer files than `keep` have been set aside so far.
        if ((thrown as NodeJS.ErrnoException).code !== "ENOENT") throw thrown
      }
    }
  }
  const rotate = (more: number): void => {
    // Another process may have done it just now.
    look()
    if (descriptor === undefined || size + more <= mostBytes) return
    close()
    try {
      setAside()
    } catch (thrown) {
      say("cannot be set aside and grows on", thrown)
      open()
      mostBytes = size + maxBytes
    }
  }
  const put = (target: number, bytes: Uint8Array): void => {
    for (let at = 0; at < bytes.length; ) {
      const count = append(target, bytes, at)
      at += count
      size += count
      torn = at < bytes.length
    }
  }

  return {
    write(line) {
      try {
        const bytes = encoder.encode(line)
        if (descriptor !== undefined && now() - lookedAt >= LOOK_MS) look()
        if (descriptor === undefined) open()
        if (opened?.isFile() === true && size > 0 && size + bytes.length > mostBytes) rotate(bytes.length)
        const target = descriptor ?? open()
        if (torn) put(target, encoder.encode("\n"))
        put(target, bytes)
        if (!complained || missing === 0) return
        complain(`The log file is written again; lines missing in it: ${missing}\n`)
        missing = 0
        complained = false
      } catch (thrown) {
        missing++
        say("cannot be written", thrown)
      }
    },
    close,
  }
}

/** Whatever is behind it may be gone or full as well, and then nobody is left to be told. */
function toStderr(text: string): void {
  try {
    writeSync(2, text)
  } catch {
    // See above.
  }
}
