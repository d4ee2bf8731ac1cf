import { createHash } from "node:crypto"
import type { Call, Client } from "./client.ts"
import { type Answer, faultOf, unavailable } from "./faults.ts"
import { deleteDocument, errorCode, type ListedObject, parseDeleted, parseList, parseVersioning } from "./xml.ts"

export interface StoredObject {
  readonly bytes: Uint8Array
  /** When it was written, and what time it is now, by the server's clock (ms). */
  readonly modified: number
  readonly date: number
}

export interface Listing {
  readonly objects: readonly ListedObject[]
  /** With a delimiter: what stands before it in each name, including it. */
  readonly folders: readonly string[]
  /** The server's time (ms) when it answered. */
  readonly date: number
}

/** How hard a request is tried; see `Call`. */
export type Effort = Pick<Call, "tries" | "timeoutMs" | "insists">

export interface PutOptions extends Effort {
  /** Only where there is no such object, on servers that can tell. */
  readonly fresh?: boolean
}

/**
 * The objects of a bucket under our prefix. Each call rejects with STORAGE_UNAVAILABLE, or with a StoreFault when waiting
 * will not help; only what the server says is not there is absent.
 */
export interface Bucket {
  get(key: string, effort?: Effort): Promise<StoredObject | undefined>
  /** False when `fresh` was asked for and there is one. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<boolean>
  /** Those that are not there are fine. */
  remove(keys: readonly string[]): Promise<void>
  /** In one request for each 1,000 objects. */
  list(folder: string, delimiter?: string, effort?: Effort): Promise<Listing>
  /** True when deleted objects stay as old versions. */
  versioned(): Promise<boolean>
}

const PAGE = 1_000

export function createBucket(client: Client, prefix: string): Bucket {
  /** What this server was seen not to have. */
  const lacks = { conditions: false, bulk: false }

  async function removeOne(key: string): Promise<void> {
    const answer = await client.send({ method: "DELETE", key })
    const gone = answer.status === 404 && errorCode(answer.body) === "NoSuchKey"
    if (!isFine(answer) && !gone) throw faultOf("a deletion", answer)
  }

  /** False when the server does not know this kind of request. */
  async function removeMany(keys: readonly string[]): Promise<boolean> {
    const body = new TextEncoder().encode(deleteDocument(keys.map((key) => prefix + key)))
    const md5 = createHash("md5").update(body).digest("base64")
    const headers = { "content-md5": md5, "content-type": "application/xml" }
    const answer = await client.send({ method: "POST", key: "", query: { delete: "" }, headers, body })
    if (answer.status === 501 || answer.status === 405) return false
    if (!isFine(answer)) throw faultOf("a deletion", answer)
    const failed = parseDeleted(answer.body)
    if (failed === undefined) throw unavailable(new Error("S3 answered a deletion with something else"))
    const code = failed.find((one) => one !== "NoSuchKey")
    if (code !== undefined) throw unavailable(new Error(`S3 did not delete: ${code}`))
    return true
  }

  return {
    async get(key, effort) {
      const answer = await client.send({ method: "GET", key, ...effort })
      if (answer.status === 404 && errorCode(answer.body) === "NoSuchKey") return undefined
      if (answer.status !== 200) throw faultOf("a reading", answer)
      return { bytes: answer.body, modified: timeOf(answer, "last-modified"), date: timeOf(answer, "date") }
    },

    async put(key, bytes, { fresh = false, ...rest } = {}) {
      const conditional = fresh && !lacks.conditions
      const headers = conditional ? { "if-none-match": "*" } : {}
      const answer = await client.send({ method: "PUT", key, body: bytes, headers, ...rest })
      if (isFine(answer)) return true
      if (conditional && answer.status === 412) return false
      if (conditional && answer.status === 501) {
        lacks.conditions = true
        return this.put(key, bytes, rest)
      }
      throw faultOf("a writing", answer)
    },

    async remove(keys) {
      if (keys.length > 1 && !lacks.bulk) {
        for (let at = 0; at < keys.length; at += PAGE) {
          lacks.bulk = !(await removeMany(keys.slice(at, at + PAGE)))
          if (lacks.bulk) break
        }
        if (!lacks.bulk) return
      }
      await Promise.all(keys.map(removeOne))
    },

    async list(folder, delimiter, effort) {
      const objects: ListedObject[] = []
      const folders: string[] = []
      for (let token: string | undefined; ; ) {
        const query = {
          "list-type": "2",
          prefix: prefix + folder,
          "encoding-type": "url",
          ...(delimiter === undefined ? {} : { delimiter }),
          ...(token === undefined ? {} : { "continuation-token": token }),
        }
        const answer = await client.send({ method: "GET", key: "", query, ...effort })
        if (answer.status !== 200) throw faultOf("a listing", answer)
        const page = parseList(answer.body)
        if (page === undefined) throw unavailable(new Error("S3 answered a listing with something else"))
        for (const object of page.objects) objects.push({ ...object, key: object.key.slice(prefix.length) })
        for (const name of page.folders) folders.push(name.slice(prefix.length))
        token = page.token
        if (token === undefined) return { objects, folders, date: timeOf(answer, "date") }
      }
    },

    async versioned() {
      const answer = await client.send({ method: "GET", key: "", query: { versioning: "" }, tries: 1 })
      // Servers that have no versions do not know the question, and a key need not be allowed to ask it.
      return answer.status === 200 && parseVersioning(answer.body)
    },
  }
}

function isFine({ status }: Answer): boolean {
  return status >= 200 && status < 300
}

function timeOf({ headers }: Answer, name: string): number {
  const time = Date.parse(headers.get(name) ?? "")
  if (Number.isNaN(time)) throw unavailable(new Error(`S3 answered without a readable ${name}`))
  return time
}
