import { s3Storage } from "../../adapters/storage/s3/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { startS3Server } from "../support/s3-server.ts"
import { storeOptions } from "../support/store-options.ts"
import type { Backing } from "./backings.ts"
import { openS3Front, type S3Front } from "./s3-front.ts"

export interface S3Backing extends Backing {
  readonly front: S3Front
}

/** The store `s3` on an S3 server of its own, with somebody in front who can turn requests away. */
export async function s3Backing(
  options: { readonly leaseMs?: number; readonly flushMs?: number } = {},
): Promise<S3Backing> {
  const server = await startS3Server()
  const { prefix, ...given } = server.options()
  const front = await openS3Front(given["endpoint"] ?? "")
  const own = { ...given, endpoint: front.endpoint }
  return {
    name: "s3",
    env: {
      S3_ENDPOINT: front.endpoint,
      S3_REGION: given["region"] ?? "us-east-1",
      S3_BUCKET: given["bucket"] ?? "",
      S3_ACCESS_KEY_ID: given["accessKeyId"] ?? "",
      S3_SECRET_ACCESS_KEY: given["secretAccessKey"] ?? "",
    },
    named: { adapter: "s3", prefix, ...options },
    front,
    async look() {
      const { path, remove } = await temporaryFolder()
      const store = await s3Storage.open(
        storeOptions({ ...own, prefix, folder: path, store: "s3", instance: "looks on" }),
      )
      return {
        store,
        async close() {
          await store.close()
          await remove()
        },
      }
    },
    async close() {
      await front.close()
      await server.stop()
    },
  }
}
