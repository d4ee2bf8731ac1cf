import { constants } from "node:fs"
import * as fs from "node:fs"
import process from "node:process"
import { appError } from "../../../core/errors.ts"

/** The file operations the store is made of; a test puts a disk behind it that forgets whatever was not synced. */
export interface Disk {
  /** `undefined` when there is no such file. */
  open(path: string): Promise<number | undefined>
  /** A new, empty file (mode 600), in place of whatever has its name. */
  create(path: string): Promise<number>
  close(file: number): Promise<void>
  size(file: number): Promise<number>
  /** Fills `into` from `position` on; fewer bytes at the end of the file. */
  read(file: number, into: Uint8Array, position: number): Promise<number>
  /** All of the bytes, or it rejects. */
  write(file: number, bytes: Uint8Array, position: number): Promise<void>
  truncate(file: number, size: number): Promise<void>
  /** What was written to the file survives a power cut. */
  sync(file: number): Promise<void>
  /** The names in the folder survive a power cut. */
  syncFolder(path: string): Promise<void>
  /** Mode 700, with the folders above it. The first of them that had to be made; undefined when all were there. */
  makeFolder(path: string): Promise<string | undefined>
  rename(from: string, to: string): Promise<void>
  /** Names in a folder; none when there is no such folder. */
  list(path: string): Promise<string[]>
  /** A file or a whole folder; nothing happens when it is not there. */
  remove(path: string): Promise<void>
}

/** The system's files. Every failure but "there is none" is STORAGE_UNAVAILABLE: a file that cannot be read is not absent. */
export const nodeDisk: Disk = {
  open: (path) =>
    call<number>((done) => fs.open(path, constants.O_RDWR, done)).catch((error: unknown) => absent(error, undefined)),
  create: (path) =>
    call((done) => fs.open(path, constants.O_RDWR | constants.O_CREAT | constants.O_TRUNC, 0o600, done)),
  close: (file) => call((done) => fs.close(file, done)),
  size: async (file) => (await call<fs.Stats>((done) => fs.fstat(file, done))).size,
  async read(file, into, position) {
    let filled = 0
    while (filled < into.length) {
      const part = filled === 0 ? into : into.subarray(filled)
      const got = await call<number>((done) => fs.read(file, part, 0, part.length, position + filled, done))
      if (got === 0) break
      filled += got
    }
    return filled
  },
  async write(file, bytes, position) {
    let written = 0
    while (written < bytes.length) {
      const part = written === 0 ? bytes : bytes.subarray(written)
      written += await call<number>((done) => fs.write(file, part, 0, part.length, position + written, done))
    }
  },
  truncate: (file, size) => call((done) => fs.ftruncate(file, size, done)),
  sync: (file) => call((done) => fs.fdatasync(file, done)),
  async syncFolder(path) {
    // There folders cannot be synced, and need not be.
    if (process.platform === "win32") return
    const folder = await call<number>((done) => fs.open(path, constants.O_RDONLY, done))
    try {
      await call((done) => fs.fsync(folder, done))
    } finally {
      await call((done) => fs.close(folder, done))
    }
  },
  makeFolder: (path) => call((done) => fs.mkdir(path, { recursive: true, mode: 0o700 }, done)),
  rename: (from, to) => call((done) => fs.rename(from, to, done)),
  list: (path) => call<string[]>((done) => fs.readdir(path, done)).catch((error: unknown) => absent(error, [])),
  remove: (path) => call((done) => fs.rm(path, { recursive: true, force: true }, done)),
}

type Done<T> = (error: NodeJS.ErrnoException | null, result?: T) => void

function call<T = void>(start: (done: Done<T>) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error) reject(appError("STORAGE_UNAVAILABLE", { cause: error }))
      else resolve(result as T)
    })
  })
}

function absent<T>(error: unknown, value: T): T {
  const cause = error instanceof Error ? error.cause : undefined
  if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return value
  throw error
}
