import { existsSync, mkdirSync } from "node:fs"
import { dirname } from "node:path"

/**
 * Makes a folder and those above it that are missing, mode 700; throws the system's error when it cannot. Not Node's own
 * recursive way, which tries for ever where the system answers ENOENT below a folder that is there.
 */
export function makeFolder(folder: string): void {
  if (existsSync(folder)) return
  const parent = dirname(folder)
  if (parent !== folder) makeFolder(parent)
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (fault) {
    // Another process has just made it.
    if (!existsSync(folder)) throw fault
  }
}
