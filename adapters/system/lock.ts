import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import process from "node:process"
import type { FolderLock, FolderOwner } from "../../core/system.ts"

/** Never removed: a lock on a file that has lost its name would exclude nobody. */
const FILE = "lock"

/**
 * Takes the exclusive lock of a folder, which is made if missing (mode 700). The system gives it back when the process
 * ends, however it ends, and keeps it for a process that is only stopped. Rejects where the file system has no locks.
 */
export async function lockFolder(folder: string): Promise<FolderLock | FolderOwner> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, FILE)
  const lock = await takeLock(path)
  if (lock === undefined) return { held: false, owner: describe(readOwner(path)) }
  const other = readOwner(path)
  if (other !== undefined && other.runtime !== runtime() && isAlive(other)) {
    lock.release()
    return { held: false, owner: describe(other) }
  }
  writeOwner(path, { pid: process.pid, host: hostname(), runtime: runtime(), started: startOf(process.pid) })
  return {
    held: true,
    async release() {
      if (!lock.held()) return
      writeOwner(path, undefined)
      lock.release()
    },
  }
}

interface HeldLock {
  held(): boolean
  release(): void
}

/**
 * Node's lock belongs to an open file description, Deno's to a file: on Linux the two do not see each other, so that the
 * owner's own words decide between the runtimes. (The addon cannot be loaded by Deno: it ends the process.)
 */
async function takeLock(path: string): Promise<HeldLock | undefined> {
  const close = runtime() === "deno" ? lockOnDeno(path) : await lockOnNode(path)
  if (close === undefined) return undefined
  let held = true
  return {
    held: () => held,
    release() {
      held = false
      close()
    },
  }
}

async function lockOnNode(path: string): Promise<(() => void) | undefined> {
  const { tryLock } = await import("fs-native-extensions")
  const file = openSync(path, "a+", 0o600)
  let locked = false
  try {
    locked = tryLock(file)
  } finally {
    if (!locked) closeSync(file)
  }
  return locked ? () => closeSync(file) : undefined
}

interface DenoFile {
  tryLockSync(exclusive: boolean): boolean
  close(): void
}

interface DenoFiles {
  openSync(path: string, options: { read: boolean; write: boolean; create: boolean; mode: number }): DenoFile
}

function lockOnDeno(path: string): (() => void) | undefined {
  const { Deno } = globalThis as unknown as { Deno: DenoFiles }
  const file = Deno.openSync(path, { read: true, write: true, create: true, mode: 0o600 })
  let locked = false
  try {
    locked = file.tryLockSync(true)
  } finally {
    if (!locked) file.close()
  }
  return locked ? () => file.close() : undefined
}

function runtime(): string {
  return "Deno" in globalThis ? "deno" : "node"
}

interface Owner {
  readonly pid: number
  readonly host: string
  readonly runtime: string
  /** Tells a process from a later one with the same number; null where the system does not say. */
  readonly started: string | null
}

function writeOwner(path: string, owner: Owner | undefined): void {
  const file = openSync(path, "r+")
  try {
    ftruncateSync(file, 0)
    if (owner !== undefined) writeSync(file, JSON.stringify(owner))
  } finally {
    closeSync(file)
  }
}

function readOwner(path: string): Owner | undefined {
  try {
    const owner: unknown = JSON.parse(readFileSync(path, "utf8"))
    if (typeof owner === "object" && owner !== null && "pid" in owner && "host" in owner) return owner as Owner
  } catch {
    // Empty, or being written at this moment: the lock itself has said all that counts.
  }
  return undefined
}

function describe(owner: Owner | undefined): string {
  return owner === undefined ? "another process" : `process ${owner.pid} on host ${owner.host}`
}

function isAlive(owner: Owner): boolean {
  if (owner.host !== hostname()) return false
  if (owner.started !== null) return owner.started === startOf(owner.pid)
  try {
    process.kill(owner.pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH"
  }
}

const ZOMBIE = "Z"
/** Places in /proc/<pid>/stat, counted from the state. */
const STARTED = 19

/** When a living process began, in the system's own count; null where there is no /proc, or no such process. */
function startOf(pid: number): string | null {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return null
  }
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return fields[0] === ZOMBIE ? null : (fields[STARTED] ?? null)
}
