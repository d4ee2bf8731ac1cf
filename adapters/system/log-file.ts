import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from "node:fs"
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
}

export interface LogFile {
  write(line: string): void
  close(): void
}

/**
 * A log file that is rotated by size. Each line is handed to the operating system before `write` returns, so that a
 * killed process has logged what it did last. A file that cannot be written (a full disk) never stops the server: it is
 * said once on standard error, and each further line tries again.
 */
export function openLogFile({
  path,
  maxBytes = 10 * 1024 * 1024,
  keep = 5,
  complain = toStderr,
}: LogFileOptions): LogFile {
  let descriptor: number | undefined
  let size = 0
  let failing = false

  const open = (): number => {
    makeFolder(dirname(path))
    descriptor = openSync(path, "a", 0o600)
    size = fstatSync(descriptor).size
    return descriptor
  }
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor)
    descriptor = undefined
  }
  const rotate = (): void => {
    close()
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

  return {
    write(line) {
      try {
        const bytes = new TextEncoder().encode(line)
        let target = descriptor ?? open()
        if (size > 0 && size + bytes.length > maxBytes) {
          rotate()
          target = open()
        }
        writeSync(target, bytes)
        size += bytes.length
        failing = false
      } catch (thrown) {
        if (!failing) complain(`The log file cannot be written: ${(thrown as Error).message}\n`)
        failing = true
      }
    },
    close,
  }
}

const toStderr = (text: string): unknown => process.stderr.write(text)
