/**
 * The folder lock on Deno, which cannot load the addon that Node has: it would end the process. On Linux the C library
 * gives the very lock that the addon takes, so that the runtimes exclude each other; elsewhere Deno's own is the same.
 */

interface Library {
  readonly symbols: {
    open(path: Uint8Array, flags: number, mode: number): number
    fcntl(file: number, command: number, lock: Uint8Array): number
    close(file: number): number
  }
}

interface DenoFile {
  tryLockSync(exclusive: boolean): boolean
  close(): void
}

interface DenoRuntime {
  readonly build: { readonly os: string }
  dlopen(name: string, symbols: object): Library
  openSync(path: string, options: { read: boolean; write: boolean; create: boolean; mode: number }): DenoFile
}

const LIBRARY = "libc.so.6"
const READ_WRITE_CREATE_CLOSE_ON_EXEC = 0o2 | 0o100 | 0o2000000
const OFD_SETLK = 37
const WRITE_LOCK = 1
/** struct flock with room to spare: type and whence first, zeros for the whole file. */
const LOCK_BYTES = 48

/** Takes the lock of a file, made with mode 600. What gives it back, or undefined when another holds it. */
export function lockOnDeno(path: string): (() => void) | undefined {
  const { Deno } = globalThis as unknown as { Deno: DenoRuntime }
  return Deno.build.os === "linux" ? lockDescription(Deno, path) : lockFile(Deno, path)
}

function lockDescription(deno: DenoRuntime, path: string): (() => void) | undefined {
  const { symbols } = deno.dlopen(LIBRARY, {
    open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
    fcntl: { parameters: ["i32", "i32", "buffer"], result: "i32" },
    close: { parameters: ["i32"], result: "i32" },
  })
  const file = symbols.open(new TextEncoder().encode(`${path}\0`), READ_WRITE_CREATE_CLOSE_ON_EXEC, 0o600)
  if (file < 0) throw new Error(`The lock file ${path} cannot be opened`)
  const lock = new Uint8Array(LOCK_BYTES)
  new Int16Array(lock.buffer)[0] = WRITE_LOCK
  if (symbols.fcntl(file, OFD_SETLK, lock) === 0) return () => void symbols.close(file)
  symbols.close(file)
  return undefined
}

function lockFile(deno: DenoRuntime, path: string): (() => void) | undefined {
  const file = deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 })
  let locked = false
  try {
    locked = file.tryLockSync(true)
  } finally {
    if (!locked) file.close()
  }
  return locked ? () => file.close() : undefined
}
