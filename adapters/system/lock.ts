import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs"
import { hostname } from "node:os"
import { join } from "node:path"
import process from "node:process"
import type { FolderLock, FolderOwner } from "../../core/system.ts"
import { lockOnDeno } from "./lock-deno.ts"
import { makeFolder } from "./make-folder.ts"

/** Never removed: a lock on a file that has lost its name would exclude nobody. */
const FILE = "lock"

/**
 * Takes the exclusive lock of a folder, which is made if missing (mode 700). The system gives it back when the process
 * ends, however it ends, and keeps it for a process that is only stopped. Rejects where the file system has no locks.
 */
export async function lockFolder(folder: string): Promise<FolderLock | FolderOwner> {
  makeFolder(folder)
  const path = join(folder, FILE)
  const unlock = "Deno" in globalThis ? lockOnDeno(path) : await lockOnNode(path)
  if (unlock === undefined) return { held: false, owner: readOwner(path) }
  writeOwner(path, `process ${process.pid} on host ${hostname()}`)
  let held = true
  return {
    held: true,
    async release() {
      if (!held) return
      held = false
      writeOwner(path, "")
      unlock()
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

/** For the message of whoever comes second; the lock itself decides. */
function writeOwner(path: string, owner: string): void {
  const file = openSync(path, "r+")
  try {
    ftruncateSync(file, 0)
    writeSync(file, owner)
  } finally {
    closeSync(file)
  }
}

/** Empty at the moment between its being locked and its owner's writing to it. */
function readOwner(path: string): string {
  return readFileSync(path, "utf8") || "another process"
}
