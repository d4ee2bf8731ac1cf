import { mkdir, open } from "node:fs/promises"
import { join } from "node:path"
import { AwsClient } from "aws4fetch"
import { openS3 } from "../../adapters/storage/s3/index.ts"
import type { OpenStore } from "../../core/store.ts"
import { startS3Server } from "../support/s3-server.ts"
import { storeOptions } from "../support/store-options.ts"
import type { Batch, StoreSubject } from "./store-subjects.ts"

const MOST_SAVES = 64

/** The S3 store, and aws4fetch doing the same: an append and fdatasync for each save, one object for each window. */
export function s3Subject({ flushMs, ...more }: { name: string; flushMs: number; bar?: number }): StoreSubject {
  const when = flushMs === 0 ? "each of them uploaded" : `one object in ${flushMs} ms or for ${MOST_SAVES} of them`
  return {
    ...more,
    against: `an append and fdatasync for each save, ${when} by aws4fetch`,
    async start(folder) {
      const server = await startS3Server()
      const options = server.options()
      const store = await openS3(storeOptions({ ...options, folder, store: "s3", flushMs }))
      const raw = rawWriter(join(folder, "raw"), server.options(), flushMs)
      return {
        store: underClaims(store),
        raw: raw.save,
        async stop() {
          await raw.end()
          await store.close()
          await server.stop()
        },
      }
    },
  }
}

/** As lines have it: each company is claimed, and its copy on the disk counts. */
function underClaims(store: OpenStore): OpenStore {
  const fences = new Map<string, Promise<number>>()
  const fenceOf = (company: string): Promise<number> => {
    const known =
      fences.get(company) ?? Promise.resolve(store.claims?.claim(company)).then((claim) => claim?.fence ?? 0)
    fences.set(company, known)
    return known
  }
  const { driver } = store
  return {
    ...store,
    driver: {
      ...driver,
      commit: async (company, writes) => driver.commit(company, writes, await fenceOf(company)),
    },
  }
}

interface RawCompany {
  readonly file: ReturnType<typeof open>
  waiting: Uint8Array[]
  uploads: Promise<void>
  timer: NodeJS.Timeout | undefined
}

function rawWriter(
  folder: string,
  options: Readonly<Record<string, string>>,
  flushMs: number,
): { save(company: string, batch: Batch): Promise<void>; end(): Promise<void> } {
  const { endpoint = "", bucket = "", prefix = "", accessKeyId = "", secretAccessKey = "" } = options
  const client = new AwsClient({
    accessKeyId,
    secretAccessKey,
    region: options["region"] ?? "us-east-1",
    service: "s3",
  })
  const companies = new Map<string, RawCompany>()
  const made = mkdir(folder, { recursive: true })
  let objects = 0

  async function put(company: string, parts: readonly Uint8Array[]): Promise<void> {
    const url = `${endpoint}/${bucket}/${prefix}/${company}/${objects++}`
    const answer = await client.fetch(url, { method: "PUT", body: Buffer.concat(parts) })
    await answer.arrayBuffer()
    if (!answer.ok) throw new Error(`S3 answered with ${answer.status}`)
  }

  function upload(company: string, one: RawCompany): Promise<void> {
    clearTimeout(one.timer)
    one.timer = undefined
    const parts = one.waiting
    one.waiting = []
    one.uploads = one.uploads.then(() => (parts.length === 0 ? undefined : put(company, parts)))
    return one.uploads
  }

  return {
    async save(company, batch) {
      await made
      let one = companies.get(company)
      if (one === undefined) {
        one = { file: open(join(folder, company), "a"), waiting: [], uploads: Promise.resolve(), timer: undefined }
        companies.set(company, one)
      }
      const bytes = Buffer.concat(Object.values(batch))
      const file = await one.file
      await file.appendFile(bytes)
      await file.datasync()
      one.waiting.push(bytes)
      if (flushMs === 0) return upload(company, one)
      if (one.waiting.length >= MOST_SAVES) void upload(company, one)
      else one.timer ??= setTimeout(() => void upload(company, one), flushMs)
    },

    async end() {
      for (const [company, one] of companies) {
        await upload(company, one)
        await (await one.file).close()
      }
    },
  }
}
