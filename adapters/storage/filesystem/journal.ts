import { appError } from "../../../core/errors.ts"
import { UNFENCED, type Write } from "../../../core/store.ts"
import { type FileOptions, JOURNAL, openJournalFile } from "./file.ts"
import { recordSize, recordsIn } from "./frames.ts"
import { createLastGood } from "./last-good.ts"
import { isCredential, journalDamaged } from "./scan.ts"

/** One company's records: a folder with a journal, and the last good copy of the credentials beside it. */
export interface Journal {
  load(keys: readonly string[]): Promise<(Uint8Array | undefined)[]>
  commit(writes: readonly Write[], fence: number): Promise<void>
  keys(): Promise<string[]>
  /** Rewrites both files without what has been replaced or deleted; resolves when that is on the disk. */
  compact(): Promise<void>
  /** Ends it: what was committed has been written, no file stays open. */
  close(): Promise<void>
}

export interface JournalOptions extends FileOptions {
  /** Bytes of outdated records that a journal may hold beside as many live ones before it is rewritten. */
  readonly slack: number
}

interface Commit {
  readonly writes: readonly Write[]
  readonly fence: number
  done(): void
  failed(error: unknown): void
}

const MOST_BYTES = 8 << 20

export async function openJournal(folder: string, options: JournalOptions): Promise<Journal> {
  const file = await openJournalFile(folder, options)
  const lastGood = createLastGood(folder, options)
  const copied = await lastGood.sequence()
  const found = file.facts()
  if (copied !== undefined && (found.sequence === 0 || copied > found.sequence)) {
    throw journalDamaged(`${folder}/${JOURNAL}`, "it lacks writes that the last good copy has")
  }
  let copyDue = found.credentials.size === 0 ? copied !== undefined : !copied
  let fence = found.fence
  let waiting: Commit[] = []
  let rewrites: Pick<Commit, "done" | "failed">[] = []
  let running: Promise<void> | undefined
  let compactAt = 0
  let closed = false

  /** Those that came while the last group was being written are the next one: one write and one sync for all of them. */
  async function run(): Promise<void> {
    while (waiting.length > 0 || rewrites.length > 0) {
      const group = takeGroup()
      if (group.length > 0) await writeGroup(group)
      if (rewrites.length > 0) await rewrite()
    }
    running = undefined
  }

  async function rewrite(): Promise<void> {
    const asked = rewrites
    rewrites = []
    try {
      if (file.facts().sequence > 0) {
        await file.compact()
        await lastGood.write(file)
      }
      for (const { done } of asked) done()
    } catch (error) {
      for (const { failed } of asked) failed(error)
    }
  }

  function takeGroup(): Commit[] {
    const group: Commit[] = []
    let bytes = 0
    let taken = 0
    for (const commit of waiting) {
      if (bytes > MOST_BYTES) break
      taken++
      if (commit.fence !== UNFENCED) {
        if (commit.fence < fence) {
          commit.failed(appError("FENCED"))
          continue
        }
        fence = commit.fence
      }
      for (const write of commit.writes) bytes += recordSize(write)
      group.push(commit)
    }
    waiting = waiting.slice(taken)
    return group
  }

  async function writeGroup(group: readonly Commit[]): Promise<void> {
    const records =
      group.length === 1 && group[0] !== undefined ? group[0].writes : group.flatMap(({ writes }) => writes)
    try {
      await file.append(records, fence)
    } catch (error) {
      for (const commit of group) commit.failed(error)
      return
    }
    for (const commit of group) commit.done()
    if (records.some(({ key }) => isCredential(key))) copyDue = true
    await tidy()
  }

  /** Work that no answer waits for. Where the disk refuses it, the commit stands, and it is done with a later one. */
  async function tidy(): Promise<void> {
    try {
      if (copyDue) {
        await lastGood.write(file)
        copyDue = false
      }
      const { size, live } = file.facts()
      if (size > Math.max(compactAt, 2 * live + options.slack)) {
        compactAt = size + options.slack
        await file.compact()
        compactAt = 0
      }
    } catch {
      // Told in the comment above: the state says what is still due.
    }
  }

  return {
    async load(keys) {
      const values = await file.read(keys)
      return values.map((value) => value && new Uint8Array(value.buffer, value.byteOffset, value.length))
    },

    commit(writes, fence) {
      return new Promise<void>((done, failed) => {
        if (closed) return failed(appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") }))
        waiting.push({ writes, fence, done, failed })
        running ??= Promise.resolve().then(run)
      })
    },

    async keys() {
      const bytes = await file.bytes()
      const keys = new Set<string>()
      if (bytes.length === 0) return []
      for (const { key, deleted } of recordsIn(bytes, file.facts().size)) {
        if (deleted) keys.delete(key)
        else keys.add(key)
      }
      return [...keys]
    },

    compact() {
      return new Promise<void>((done, failed) => {
        if (closed) return failed(appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") }))
        rewrites.push({ done, failed })
        running ??= Promise.resolve().then(run)
      })
    },

    async close() {
      closed = true
      await running
      await file.close()
    },
  }
}
