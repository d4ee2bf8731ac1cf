import { type Disk, nodeDisk } from "../../adapters/storage/filesystem/disk.ts"
import { appError } from "../../core/errors.ts"

export type DiskOperation = keyof Disk

/** Called before each operation with the path it is about; throwing or waiting there is what the disk does then. */
export type Interference = (operation: DiskOperation, path: string) => void | Promise<void>

/** The real disk, with a word in everything it does. */
export function interferedDisk(interfere: Interference): Disk {
  const paths = new Map<number, string>()
  const of = (file: number): string => paths.get(file) ?? ""
  const opened = (file: number, path: string): number => {
    paths.set(file, path)
    return file
  }
  return {
    async open(path) {
      await interfere("open", path)
      const file = await nodeDisk.open(path)
      return file === undefined ? undefined : opened(file, path)
    },
    async create(path) {
      await interfere("create", path)
      return opened(await nodeDisk.create(path), path)
    },
    async close(file) {
      await interfere("close", of(file))
      await nodeDisk.close(file)
    },
    async size(file) {
      await interfere("size", of(file))
      return nodeDisk.size(file)
    },
    async read(file, into, position) {
      await interfere("read", of(file))
      return nodeDisk.read(file, into, position)
    },
    async write(file, bytes, position) {
      await interfere("write", of(file))
      await nodeDisk.write(file, bytes, position)
    },
    async truncate(file, size) {
      await interfere("truncate", of(file))
      await nodeDisk.truncate(file, size)
    },
    async sync(file) {
      await interfere("sync", of(file))
      await nodeDisk.sync(file)
    },
    async syncFolder(path) {
      await interfere("syncFolder", path)
      await nodeDisk.syncFolder(path)
    },
    async makeFolder(path) {
      await interfere("makeFolder", path)
      return nodeDisk.makeFolder(path)
    },
    async rename(from, to) {
      await interfere("rename", to)
      await nodeDisk.rename(from, to)
    },
    async list(path) {
      await interfere("list", path)
      return nodeDisk.list(path)
    },
    async remove(path) {
      await interfere("remove", path)
      await nodeDisk.remove(path)
    },
  }
}

/** What the system says when an operation fails, as the store's disk passes it on. */
export function diskError(code: string): Error {
  return appError("STORAGE_UNAVAILABLE", { cause: Object.assign(new Error(code), { code }) })
}
