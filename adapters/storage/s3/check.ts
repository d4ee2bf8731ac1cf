import { randomBytes } from "node:crypto"
import { appError } from "../../../core/errors.ts"
import type { Bucket } from "./bucket.ts"

const IGNORES_CONDITIONS =
  "The S3 server ignores If-None-Match on writing: two servers are kept apart by claims and fences alone"
const KEEPS_VERSIONS = "The S3 bucket keeps old versions: what is erased can still be read there until they expire"

/** Writes an object, reads it and removes it; what the server lacks is looked for until it is known. */
export function createCheck(bucket: Bucket): () => Promise<readonly string[]> {
  let warnings: readonly string[] | undefined
  /** One for each process: a check that breaks off leaves no more than that. */
  const key = `probe/${randomBytes(8).toString("hex")}`

  async function lookFor(bytes: Uint8Array): Promise<readonly string[]> {
    const found: string[] = []
    if (await bucket.put(key, bytes, { fresh: true })) found.push(IGNORES_CONDITIONS)
    if (await bucket.versioned()) found.push(KEEPS_VERSIONS)
    return found
  }

  return async () => {
    const bytes = randomBytes(16)
    await bucket.put(key, bytes)
    const read = await bucket.get(key)
    warnings ??= await lookFor(bytes)
    await bucket.remove([key])
    if (read === undefined || Buffer.compare(read.bytes, bytes) !== 0) {
      throw appError("STORAGE_UNAVAILABLE", { cause: new Error("What was written did not come back") })
    }
    return warnings
  }
}
