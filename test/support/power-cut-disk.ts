import { dirname, join } from "node:path"
import type { Disk } from "../../adapters/storage/filesystem/disk.ts"

/** A disk that keeps what was synced. Of the rest a power cut leaves what chance leaves: some writes, some sectors, some names. */
export interface PowerCutDisk {
  readonly disk: Disk
  /** The power goes at the given operation from now; that one and all later ones never answer. */
  cutAfter(operations: number): void
  /** Resolves when the power is gone. */
  readonly gone: Promise<void>
  /** The disk as the next start finds it. */
  restart(): PowerCutDisk
}

export type Random = () => number

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

const SECTOR = 512

interface Write {
  readonly position: number
  /** Null: the file was cut to `position`. */
  readonly bytes: Buffer | null
}

interface File {
  data: Buffer
  synced: Buffer
  unsynced: Write[]
}

type Node = File | "folder"
/** One change of names; a rename is two names at once. */
type Change = readonly [path: string, node: Node | undefined][]

export function createPowerCutDisk(
  random: Random,
  kept: ReadonlyMap<string, Node> = new Map([["/", "folder"]]),
): PowerCutDisk {
  const names = new Map(kept)
  const durable = new Map(kept)
  let changes: Change[] = []
  const files = new Map<number, File>()
  let nextFile = 1
  let left = Number.POSITIVE_INFINITY
  let cut = (): void => undefined
  const gone = new Promise<void>((resolve) => {
    cut = resolve
  })

  /** One operation, unless the power is gone; the one at which it goes may still have done its work. */
  async function step<T>(work: () => T): Promise<T> {
    if (--left === 0) {
      if (random() < 0.5) work()
      // Whoever has an answer on the way gets it first.
      setImmediate(cut)
    }
    if (left <= 0) return new Promise<T>(() => undefined)
    await Promise.resolve()
    if (left <= 0) return new Promise<T>(() => undefined)
    return work()
  }

  function change(...entries: Change): void {
    for (const [path, node] of entries) setName(names, path, node)
    changes.push(entries)
  }

  function fileOf(file: number): File {
    const found = files.get(file)
    if (found === undefined) throw new Error("This file is not open")
    return found
  }

  function opened(file: File): number {
    files.set(nextFile, file)
    return nextFile++
  }

  const disk: Disk = {
    open: (path) =>
      step(() => {
        const node = names.get(path)
        return node === undefined || node === "folder" ? undefined : opened(node)
      }),
    create: (path) =>
      step(() => {
        const file: File = { data: Buffer.alloc(0), synced: Buffer.alloc(0), unsynced: [] }
        change([path, file])
        return opened(file)
      }),
    close: (file) => step(() => void files.delete(file)),
    size: (file) => step(() => fileOf(file).data.length),
    read: (file, into, position) => step(() => fileOf(file).data.copy(into, 0, position)),
    write: (file, bytes, position) => step(() => put(fileOf(file), { position, bytes: Buffer.from(bytes) })),
    truncate: (file, size) => step(() => put(fileOf(file), { position: size, bytes: null })),
    sync: (file) =>
      step(() => {
        const written = fileOf(file)
        written.synced = written.data
        written.unsynced = []
      }),
    syncFolder: (path) =>
      step(() => {
        const within = (entries: Change): boolean => entries.some(([name]) => dirname(name) === path)
        for (const entries of changes.filter(within)) for (const [name, node] of entries) setName(durable, name, node)
        changes = changes.filter((entries) => !within(entries))
      }),
    makeFolder: (path) =>
      step(() => {
        const made: string[] = []
        for (let at = path; !names.has(at); at = dirname(at)) made.unshift(at)
        for (const folder of made) change([folder, "folder"])
        return made[0]
      }),
    rename: (from, to) =>
      step(() => {
        // What has not reached the disk of a folder's content goes with the folder, not with its old name.
        changes = changes.map((entries) =>
          entries.map(([name, node]) => [name.startsWith(`${from}/`) ? join(to, name.slice(from.length)) : name, node]),
        )
        const moved = [...names].filter(([name]) => name === from || name.startsWith(`${from}/`))
        change(
          ...moved.flatMap(
            ([name, node]): Change => [
              [name, undefined],
              [join(to, name.slice(from.length)), node],
            ],
          ),
        )
      }),
    list: (path) =>
      step(() => {
        const within = [...names.keys()].filter((name) => name !== path && dirname(name) === path)
        return within.map((name) => name.slice(path.length + 1))
      }),
    remove: (path) =>
      step(() => {
        for (const name of names.keys()) if (name === path || name.startsWith(`${path}/`)) change([name, undefined])
      }),
  }

  return {
    disk,
    cutAfter(operations) {
      left = operations
    },
    gone,
    restart() {
      // Changes of names reach the disk in their order, and the cut comes somewhere among them.
      for (const entries of changes.slice(0, Math.floor(random() * (changes.length + 1)))) {
        for (const [name, node] of entries) setName(durable, name, node)
      }
      const survived = new Map<Node, Node>([["folder", "folder"]])
      const after = new Map<string, Node>()
      for (const [name, node] of durable) {
        if (node !== "folder" && !survived.has(node)) survived.set(node, survivor(node, random))
        if (durable.has(dirname(name))) after.set(name, survived.get(node) ?? node)
      }
      return createPowerCutDisk(random, after)
    },
  }
}

function put(file: File, write: Write): void {
  file.data = applied(file.data, write)
  file.unsynced.push(write)
}

function setName(names: Map<string, Node>, path: string, node: Node | undefined): void {
  if (node === undefined) names.delete(path)
  else names.set(path, node)
}

function applied(data: Buffer, { position, bytes }: Write): Buffer {
  const end = bytes === null ? position : Math.max(data.length, position + bytes.length)
  const next = Buffer.alloc(end)
  data.copy(next)
  bytes?.copy(next, position)
  return next
}

/** Each unsynced write is there, or is not, or some of its sectors are. */
function survivor(file: File, random: Random): File {
  let data = file.synced
  for (const write of file.unsynced) {
    const chance = random()
    if (chance < 0.35) continue
    if (chance < 0.6 || write.bytes === null) data = applied(data, write)
    else {
      for (let at = 0; at < write.bytes.length; at += SECTOR) {
        const bytes = write.bytes.subarray(at, at + Math.min(SECTOR, 1 + Math.floor(random() * SECTOR * 2)))
        if (random() < 0.6) data = applied(data, { position: write.position + at, bytes })
      }
    }
  }
  return { data, synced: data, unsynced: [] }
}
