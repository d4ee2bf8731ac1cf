import { cp, mkdir, readdir, stat } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { CommandFailure, wrongUse } from "./failure.ts"

/** A line that another program has kept, and whose it is to be. */
export interface OldLine {
  readonly company: string
  readonly folder: string
}

export interface OldLines {
  readonly lines: readonly OldLine[]
  /** Folders that look like lines, and do not say whose. */
  readonly nameless: readonly string[]
}

const CREDS = "creds.json"
const COMPANY_FOLDER = /^company_(.+)$/

/**
 * The lines under a sessions folder: `company_<id>` folders, and `creds.json` in the folder itself, which is the one line
 * of a single-tenant installation and goes to `company`.
 */
export async function findOldLines(from: string, company: string | undefined): Promise<OldLines> {
  const entries = await readdir(from, { withFileTypes: true }).catch(() => {
    throw new CommandFailure(`There is no folder ${from}`, {
      remedy: "Name the old program's sessions folder with --from",
    })
  })
  const lines: OldLine[] = []
  const nameless: string[] = []
  if (entries.some((entry) => entry.isFile() && entry.name === CREDS)) {
    if (company === undefined) {
      throw wrongUse(`${join(from, CREDS)} does not say which company it is`, "Name it with --to-company")
    }
    lines.push({ company, folder: from })
  }
  for (const entry of entries.filter((one) => one.isDirectory()).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const folder = join(from, entry.name)
    if (!(await hasCreds(folder))) continue
    const id = COMPANY_FOLDER.exec(entry.name)?.[1]
    if (id === undefined) nameless.push(folder)
    else lines.push({ company: id, folder })
  }
  if (lines.length === 0) {
    throw new CommandFailure(`There is neither ${CREDS} nor a folder company_<id> with one in ${from}`, {
      details: nameless.map((folder) => `${folder} holds a line, and does not say whose`),
      remedy: nameless.length === 0 ? "Name the old program's sessions folder with --from" : importsOne,
    })
  }
  return { lines, nameless }
}

export const importsOne = "`npm run companies -- import <company> --from <folder>` takes a single one"

/** Copies the lines' files into a folder whose name says when, beside the old one or in `where`. Gives its path. */
export async function backUp(from: string, { lines }: OldLines, where: string | undefined, now: Date): Promise<string> {
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z$/, "")
    .replace(/[-:]/g, "")
    .replace("T", "-")
  const source = resolve(from)
  const target = join(where === undefined ? dirname(source) : resolve(where), `${basename(source)}.backup-${stamp}`)
  await mkdir(dirname(target), { recursive: true })
  // Not made if it is there already: one backup never goes over another.
  await mkdir(target, { mode: 0o700 })
  for (const { folder } of lines) {
    if (folder !== from) {
      await cp(folder, join(target, basename(folder)), { recursive: true, errorOnExist: true, force: false })
      continue
    }
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      if (entry.isFile())
        await cp(join(folder, entry.name), join(target, entry.name), { errorOnExist: true, force: false })
    }
  }
  return target
}

async function hasCreds(folder: string): Promise<boolean> {
  return stat(join(folder, CREDS)).then(
    (found) => found.isFile(),
    () => false,
  )
}
