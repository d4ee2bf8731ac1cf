import { randomBytes } from "node:crypto"
import { dirname, join, resolve } from "node:path"
import { z } from "@hono/zod-openapi"
import { PROBE, probeCompanies } from "../../../core/records/store-probe.ts"
import { asDriver, type CompanyDriver, type OpenStore, type StorageAdapter } from "../../../core/store.ts"
import { type Disk, nodeDisk } from "./disk.ts"
import { JOURNAL } from "./file.ts"
import { createHandles } from "./handles.ts"
import { type JournalOptions, openJournal } from "./journal.ts"
import { LAST_GOOD } from "./last-good.ts"
import type { Seeds } from "./places.ts"
import { createSlots } from "./slots.ts"

export interface FilesystemOptions {
  /** Where the companies' folders are. */
  readonly path: string
  readonly disk?: Disk
  /** Only tests leave the syncs out, to see what they are for. */
  readonly durable?: boolean
  /** Files that stay open while nobody uses them. */
  readonly openFiles?: number
  /** Bytes of outdated records a journal may hold. */
  readonly slack?: number
}

/** Plain files, one folder for each company: copyable, movable and erasable as a folder. `path` is `<data folder>/auth` unless given, and `<data folder>/stores/<name>` for a named one. */
export const filesystemStorage: StorageAdapter = {
  name: "filesystem",
  config: z.object({
    path: z
      .string({ error: "expected a path" })
      .min(1, { error: "expected a path" })
      .optional()
      .describe("Folder of the companies' folders"),
  }),
  open: ({ path, folder, store }) => {
    const standard = join(folder, store === "filesystem" ? "auth" : join("stores", store))
    return openFilesystem({ path: typeof path === "string" ? path : standard })
  },
}

const SEGMENT = /^[a-z0-9=_-]+$/
/** No segment begins so. */
const ERASED = ".erased-"

export async function openFilesystem(options: FilesystemOptions): Promise<OpenStore> {
  const { disk = nodeDisk } = options
  const path = resolve(options.path)
  const journalOptions: JournalOptions = {
    disk,
    handles: createHandles(disk, options.openFiles ?? 128),
    seeds: newSeeds(),
    durable: options.durable ?? true,
    slack: options.slack ?? 256 << 10,
  }
  const slots = createSlots((company) => openJournal(join(path, company), journalOptions))
  let erasures = 0

  const driver: CompanyDriver = {
    load: async (company, keys) => slots.use(checked(company), (journal) => journal.load(keys)),
    commit: async (company, writes, fence) => slots.use(checked(company), (journal) => journal.commit(writes, fence)),
    keys: async (company) => slots.use(checked(company), (journal) => journal.keys()),
    erase: async (company) =>
      slots.end(checked(company), () => eraseFolder(disk, path, company, `${ERASED}${erasures++}`)),
    evict: async (company) => slots.end(checked(company)),
    async companies() {
      const names = (await disk.list(path)).filter((name) => SEGMENT.test(name) && name !== PROBE)
      const files = await Promise.all(names.map((name) => disk.list(join(path, name))))
      return names.filter((_, index) => files[index]?.some((file) => file === JOURNAL || file === LAST_GOOD))
    },
  }

  await makeFolders(path, journalOptions)
  for (const name of await disk.list(path)) if (name.startsWith(ERASED)) await disk.remove(join(path, name))
  return {
    driver: asDriver("filesystem", driver),
    capabilities: { durable: journalOptions.durable, atomic: true },
    async check() {
      await probeCompanies(driver)
      return []
    },
    async flush() {
      // A commit is on the disk, and that is where it stays.
    },
    compact: async (company) => slots.use(checked(company), (journal) => journal.compact()),
    close: slots.close,
  }
}

/** The folder of all companies, and those above it that had to be made, with their names on the disk. */
async function makeFolders(path: string, { disk, durable }: JournalOptions): Promise<void> {
  const first = await disk.makeFolder(path)
  if (!durable) return
  // One that was there may have been made by a start that broke off here, or by somebody whose folder we may not open.
  if (first === undefined) return disk.syncFolder(dirname(path)).catch(() => undefined)
  for (let made = path; made.length >= first.length; made = dirname(made)) await disk.syncFolder(dirname(made))
}

function checked(company: string): string {
  if (!SEGMENT.test(company)) throw new TypeError("Companies come in encoded")
  return company
}

/** Out of sight by one rename, then removed: a crash in between leaves nothing that counts as a company. */
async function eraseFolder(disk: Disk, path: string, company: string, grave: string): Promise<void> {
  if (!(await disk.list(path)).includes(company)) return
  await disk.remove(join(path, grave))
  await disk.rename(join(path, company), join(path, grave))
  await disk.syncFolder(path)
  await disk.remove(join(path, grave))
}

function newSeeds(): Seeds {
  const bytes = randomBytes(8)
  return [bytes.readUInt32BE(0), bytes.readUInt32BE(4)]
}
