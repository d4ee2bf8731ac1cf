import fsDriver from "unstorage/drivers/fs"
import memoryDriver from "unstorage/drivers/memory"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { openForeignStore } from "../../core/records/foreign-store.ts"
import { describeAuthStore, type StoreFixture } from "../suites/auth-store.ts"
import { storeOptions } from "../support/store-options.ts"
import { temporaryFolder } from "../support/folder.ts"

describeAuthStore(
  "filesystem",
  async (): Promise<StoreFixture> => {
    const folder = await temporaryFolder()
    return {
      open: () => openFilesystem({ path: `${folder.path}/auth`, slack: 4_096, openFiles: 4 }),
      cleanup: folder.remove,
    }
  },
  { durable: true, atomic: true },
)

describeAuthStore(
  "memory",
  async (): Promise<StoreFixture> => ({
    open: () => memoryStorage.open(storeOptions()),
    cleanup: async () => undefined,
  }),
  { durable: false, atomic: true },
)

describeAuthStore(
  "any unstorage driver (memory)",
  async (): Promise<StoreFixture> => {
    const driver = memoryDriver()
    return { open: () => openForeignStore("memory", driver), cleanup: async () => undefined }
  },
  { durable: false, atomic: false },
)

describeAuthStore(
  "any unstorage driver (fs)",
  async (): Promise<StoreFixture> => {
    const folder = await temporaryFolder()
    return { open: () => openForeignStore("fs", fsDriver({ base: folder.path })), cleanup: folder.remove }
  },
  { durable: false, atomic: false },
)
