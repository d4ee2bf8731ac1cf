import { afterAll, beforeAll } from "vitest"
import { openS3 } from "../../adapters/storage/s3/index.ts"
import { describeAuthStore, type StoreFixture } from "../suites/auth-store.ts"
import { describeStoreClaims } from "../suites/store-claims.ts"
import { temporaryFolder } from "../support/folder.ts"
import { openGate } from "../support/s3-gate.ts"
import { type S3Server, startS3Server } from "../support/s3-server.ts"
import { storeOptions } from "../support/store-options.ts"

let server: S3Server

beforeAll(async () => {
  server = await startS3Server()
})

afterAll(async () => {
  await server.stop()
})

/** The same folder after a restart, as it is in use. */
describeAuthStore(
  "s3",
  async (): Promise<StoreFixture> => {
    const folder = await temporaryFolder()
    const options = storeOptions({ ...server.options(), folder: folder.path, store: "s3", flushMs: 20 })
    return { open: () => openS3(options), cleanup: folder.remove }
  },
  { durable: true, atomic: true },
)

/** Nothing but the bucket is left after each restart. */
describeAuthStore(
  "s3 (local folder gone at each restart)",
  async (): Promise<StoreFixture> => {
    const options = server.options()
    const folders: Awaited<ReturnType<typeof temporaryFolder>>[] = []
    return {
      async open() {
        const folder = await temporaryFolder()
        folders.push(folder)
        return openS3(storeOptions({ ...options, folder: folder.path, store: "s3", flushMs: 20 }))
      },
      cleanup: async () => void (await Promise.all(folders.map((folder) => folder.remove()))),
    }
  },
  { durable: true, atomic: true },
)

describeStoreClaims("s3", async () => {
  const gate = await openGate(server.options())
  const folders: Awaited<ReturnType<typeof temporaryFolder>>[] = []
  return {
    async open(instance, { leaseMs, clock }) {
      const folder = await temporaryFolder()
      folders.push(folder)
      const options = { ...gate.options, folder: folder.path, store: "s3", instance, flushMs: 20 }
      return openS3(storeOptions(clock === undefined ? options : { ...options, clock }), { leaseMs })
    },
    away: gate.away,
    back: gate.back,
    async cleanup() {
      await gate.close()
      await Promise.all(folders.map((folder) => folder.remove()))
    },
  }
})
