import { readdir, readFile, stat } from "node:fs/promises"
import { join } from "node:path"
import { CommandFailure } from "./failure.ts"

/** Files of one line as another program keeps them, by name. */
export type Files = Readonly<Record<string, string>>

/** The files of a folder, without what is in folders within it. Throws for one that is no text. */
export async function readFolder(folder: string): Promise<Files> {
  const files: Record<string, string> = {}
  const decoder = new TextDecoder("utf-8", { fatal: true })
  const entries = await readdir(folder, { withFileTypes: true })
  for (const { name } of entries.filter((entry) => entry.isFile()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const bytes = await readFile(join(folder, name))
    try {
      files[name] = decoder.decode(bytes)
    } catch {
      throw new CommandFailure(`${join(folder, name)} is no text`, {
        remedy: "Is this the folder of one line's auth state?",
      })
    }
  }
  return files
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory()
  } catch {
    throw new CommandFailure(`There is no file or folder ${path}`)
  }
}
