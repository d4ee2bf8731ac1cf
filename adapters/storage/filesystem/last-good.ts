import { join } from "node:path"
import { isAppError } from "../../../core/errors.ts"
import { wholeJournal } from "./compact.ts"
import type { FileOptions, JournalFile } from "./file.ts"
import { encodeFrame } from "./frames.ts"
import type { Seeds } from "./places.ts"
import { scanJournal } from "./scan.ts"

/**
 * The last good copy of a company's credentials, a journal of its own: renamed to `journal` it is a company that is still
 * linked, with its ratchets and pre-keys to be made anew. It also tells a journal that has lost its end.
 */
export interface LastGood {
  /** The write that the copy is of: 0 when the copy cannot be read, undefined when there is none. */
  sequence(): Promise<number | undefined>
  /** Makes the copy be what the journal holds, which may be nothing. */
  write(journal: JournalFile): Promise<void>
}

export const LAST_GOOD = "last-good"

export function createLastGood(folder: string, { disk, seeds, durable }: FileOptions): LastGood {
  const path = join(folder, LAST_GOOD)
  return {
    async sequence() {
      const file = await disk.open(path)
      if (file === undefined) return undefined
      try {
        const bytes = Buffer.allocUnsafeSlow(await disk.size(file))
        await disk.read(file, bytes, 0)
        return sequenceOf(bytes, seeds, path)
      } finally {
        await disk.close(file)
      }
    },

    async write(journal) {
      const { sequence, fence, credentials } = journal.facts()
      const keys = [...credentials]
      if (keys.length === 0) return disk.remove(path)
      const values = await journal.read(keys)
      const records = keys.map((key, index) => ({ key, value: values[index] ?? null }))
      const file = await disk.create(`${path}.new`)
      try {
        await disk.write(file, wholeJournal(encodeFrame({ sequence, fence }, records).bytes), 0)
        if (durable) await disk.sync(file)
      } finally {
        await disk.close(file)
      }
      await disk.rename(`${path}.new`, path)
    },
  }
}

/** A copy that is damaged says nothing against the journal, and is made anew from it. */
function sequenceOf(bytes: Buffer, seeds: Seeds, path: string): number {
  try {
    return scanJournal(bytes, seeds, path).sequence
  } catch (error) {
    if (isAppError(error)) return 0
    throw error
  }
}
