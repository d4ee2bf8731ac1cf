import { dirname, join } from "node:path"
import { appError } from "../../../core/errors.ts"
import { compactJournal, wholeJournal } from "./compact.ts"
import type { Disk } from "./disk.ts"
import { encodeFrame, readRecord, recordSize, type RecordWrite } from "./frames.ts"
import type { Handle, Handles } from "./handles.ts"
import { createPlaces, type Place, type Seeds } from "./places.ts"
import { isCredential, journalDamaged, type Scanned, scanJournal } from "./scan.ts"

export interface FileOptions {
  readonly disk: Disk
  readonly handles: Handles
  readonly seeds: Seeds
  /** False leaves out every sync, and exists for controls in tests. */
  readonly durable: boolean
}

export interface JournalFacts {
  /** 0 while there is no file. */
  readonly sequence: number
  readonly fence: number
  /** Bytes in the file, and bytes of them that are live records. */
  readonly size: number
  readonly live: number
  /** Keys of the credentials it holds. */
  readonly credentials: ReadonlySet<string>
}

/** The journal file of one company: reading places, appending frames, putting a new file in its place. One writer at a time. */
export interface JournalFile {
  facts(): JournalFacts
  read(keys: readonly string[]): Promise<(Buffer | undefined)[]>
  /** Durable when it resolves. When it rejects, the file is as before. */
  append(records: readonly RecordWrite[], fence: number): Promise<void>
  compact(): Promise<void>
  /** The whole file as it is on the disk. */
  bytes(): Promise<Buffer>
  close(): Promise<void>
}

export const JOURNAL = "journal"

export async function openJournalFile(folder: string, options: FileOptions): Promise<JournalFile> {
  const { disk, handles, seeds } = options
  const path = join(folder, JOURNAL)
  let state: Scanned = { places: createPlaces(seeds), credentials: new Set(), sequence: 0, fence: 0, end: 0 }
  let handle: Handle | undefined
  /** Counts the files that had this name, so that an opening under way notices a change. */
  let generation = 0
  let exists = false
  let closed = false
  /** Bytes behind the end have to go before the next write. */
  let torn = false
  /** The file's name is not on the disk yet. */
  let unnamed = false

  const sync = (file: number): Promise<void> => (options.durable ? disk.sync(file) : Promise.resolve())
  const syncFolder = (at: string): Promise<void> => (options.durable ? disk.syncFolder(at) : Promise.resolve())

  /** The open file, in use by the caller; opened again when it had to make room for others. */
  async function use(): Promise<Handle> {
    for (;;) {
      if (handle !== undefined && handles.use(handle)) return handle
      handle = undefined
      const before = generation
      const file = await disk.open(path)
      if (closed || file === undefined) {
        if (file !== undefined) await disk.close(file)
        throw appError("STORAGE_UNAVAILABLE", { cause: new Error(`${path} was ${closed ? "closed" : "removed"}`) })
      }
      if (before === generation && handle === undefined) {
        handle = handles.adopt(file)
        return handle
      }
      await disk.close(file)
    }
  }

  async function whole(file: number): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(await disk.size(file))
    return bytes.subarray(0, await disk.read(file, bytes, 0))
  }

  /** Puts a complete file in the journal's place; a crash leaves the old one or this one. */
  async function install(bytes: Buffer, next: Scanned): Promise<void> {
    const fresh = `${path}.new`
    const file = await disk.create(fresh)
    try {
      await disk.write(file, bytes, 0)
      await sync(file)
      await disk.rename(fresh, path)
    } catch (error) {
      await disk.close(file)
      // Only to give its room back; the next one is written over it in any case.
      await disk.remove(fresh).catch(() => undefined)
      throw error
    }
    // All at once: whoever reads has the file and the places in it from the same moment.
    const old = handle
    const installed = handles.adopt(file)
    handle = installed
    state = next
    generation++
    exists = true
    torn = false
    unnamed = true
    if (old !== undefined) await handles.letGo(old)
    await handles.done(installed)
  }

  /** Until the folder has been synced, a power cut may bring the file back that had the name before. */
  async function name(): Promise<void> {
    if (!unnamed) return
    await syncFolder(folder)
    unnamed = false
  }

  async function create(records: readonly RecordWrite[], fence: number): Promise<void> {
    await disk.makeFolder(folder)
    // Also when it was there: an earlier try may have made it and failed here.
    await syncFolder(dirname(folder))
    const head = { sequence: 1, fence }
    const bytes = wholeJournal(encodeFrame(head, records).bytes)
    await install(bytes, scanJournal(bytes, seeds, path))
    await name()
  }

  async function readOne(file: number, key: string, place: Place): Promise<Buffer> {
    const bytes = Buffer.allocUnsafeSlow(place.length)
    const got = await disk.read(file, bytes, place.offset)
    const record = got === place.length ? readRecord(bytes) : undefined
    if (record?.key !== key) throw journalDamaged(path, `the record at byte ${place.offset} is not readable`)
    return record.value
  }

  const first = await disk.open(path)
  if (first !== undefined) {
    try {
      const bytes = await whole(first)
      state = scanJournal(bytes, seeds, path)
      torn = state.end < bytes.length
      exists = true
    } finally {
      await disk.close(first)
    }
  }

  return {
    facts: () => ({
      sequence: state.sequence,
      fence: state.fence,
      size: state.end,
      live: state.places.bytes(),
      credentials: state.credentials,
    }),

    async read(keys) {
      // Most lookups of keys that are absent need no file.
      if (!keys.some((key) => state.places.get(key))) return keys.map(() => undefined)
      const open = await use()
      try {
        // Places and file belong together: looked up only now, without waiting in between.
        const { places } = state
        return await Promise.all(
          keys.map((key) => {
            const place = places.get(key)
            return place === undefined ? Promise.resolve(undefined) : readOne(open.file, key, place)
          }),
        )
      } finally {
        await handles.done(open)
      }
    },

    async append(records, fence) {
      if (!exists) return create(records, fence)
      await name()
      const open = await use()
      try {
        if (torn) await disk.truncate(open.file, state.end)
        torn = true
        const head = { sequence: state.sequence + 1, fence }
        const frame = encodeFrame(head, records)
        try {
          await disk.write(open.file, frame.bytes, state.end)
          await sync(open.file)
        } catch (error) {
          // Gives the room back at once; where that fails too, the next write does it before anything else.
          await disk.truncate(open.file, state.end).catch(() => undefined)
          throw error
        }
        torn = false
        state = { ...state, ...head, end: state.end + frame.bytes.length }
        place(state, records, frame.offsets, state.end - frame.bytes.length)
      } finally {
        await handles.done(open)
      }
    },

    async compact() {
      const open = await use()
      let file: Buffer
      try {
        file = await whole(open.file)
      } finally {
        await handles.done(open)
      }
      const head = { sequence: state.sequence, fence: state.fence }
      const fresh = compactJournal(file, state.places, head, seeds, path)
      await install(fresh.bytes, { ...state, places: fresh.places, end: fresh.bytes.length })
      await name()
    },

    async bytes() {
      if (!exists) return Buffer.alloc(0)
      const open = await use()
      try {
        return await whole(open.file)
      } finally {
        await handles.done(open)
      }
    },

    async close() {
      closed = true
      if (handle !== undefined) await handles.letGo(handle)
    },
  }
}

/** Notes where the records of a frame that was written at `start` are. */
function place(state: Scanned, records: readonly RecordWrite[], offsets: readonly number[], start: number): void {
  for (const [index, record] of records.entries()) {
    const deleted = record.value === null
    if (deleted) state.places.delete(record.key)
    else state.places.set(record.key, start + (offsets[index] ?? 0), recordSize(record))
    if (!isCredential(record.key)) continue
    if (deleted) state.credentials.delete(record.key)
    else state.credentials.add(record.key)
  }
}
