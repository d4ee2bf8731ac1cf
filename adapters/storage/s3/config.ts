import { z } from "@hono/zod-openapi"
import { bool, ms } from "../../../core/settings/fields.ts"
import type { EnvMap } from "../../../core/settings/setting.ts"
import { StoreFault } from "../../../core/store.ts"

const text = z.string({ error: "expected a text" }).min(1, { error: "expected a text" })
const url = z.url({ protocol: /^https?$/, error: "expected an http or https URL" })

const FLUSH = "expected whole milliseconds from 0 to 60000"
const flush = z.preprocess(
  (value) => (typeof value === "string" && /^\s*\d+\s*$/.test(value) ? Number(value) : value),
  z.int({ error: FLUSH }).min(0, { error: FLUSH }).max(60_000, { error: FLUSH }),
)

const PREFIX = "expected letters, digits and ._- in parts between slashes"
const prefix = z
  .string({ error: PREFIX })
  .refine((value) => value === "" || value.split("/").every(isPart), { error: PREFIX })

function isPart(part: string, index: number, parts: readonly string[]): boolean {
  if (part === "") return index > 0 && index === parts.length - 1
  return /^[A-Za-z0-9._-]{1,200}$/.test(part) && part !== "." && part !== ".."
}

/** Times of objects come in whole seconds: a lease of a few of them is the shortest that can be told from a lapsed one. */
const lease = ms.refine((value) => value >= 2_000, { error: "expected at least 2000 milliseconds" })

export const s3Config = z.object({
  endpoint: url.optional().describe("Server of the S3 store; AWS itself when there is none"),
  region: text.default("us-east-1").describe("Region of the S3 store"),
  bucket: text.optional().describe("Bucket of the S3 store, which has to be there"),
  accessKeyId: text.optional().describe("Access key id of the S3 store"),
  secretAccessKey: text.optional().describe("Secret access key of the S3 store"),
  prefix: prefix.default("").describe("What the names of all objects of the S3 store begin with"),
  pathStyle: bool
    .optional()
    .describe("The bucket's name is part of the path, not of the host (by default where an endpoint is given)"),
  flushMs: flush
    .default(1_000)
    .describe("How long changes may wait for their upload (ms); 0 uploads each before it is answered"),
  leaseMs: lease.default(30_000).describe("How long a line stays this server's without a sign of life (ms)"),
  timeoutMs: ms.default(10_000).describe("How long one request may take (ms)"),
})

export const s3Env = {
  S3_ENDPOINT: "endpoint",
  S3_REGION: "region",
  S3_BUCKET: "bucket",
  S3_ACCESS_KEY_ID: { key: "accessKeyId", secret: true },
  S3_SECRET_ACCESS_KEY: { key: "secretAccessKey", secret: true },
} as const satisfies EnvMap<typeof s3Config>

/** Without these there is nothing to write to. */
export const s3Needs = ["bucket", "accessKeyId", "secretAccessKey"] as const

/** The options with nothing left open. */
export interface S3Settings {
  /** Scheme, host and port, and the bucket where it is part of the path; ends without a slash. */
  readonly base: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Empty, or ends with a slash. */
  readonly prefix: string
  readonly flushMs: number
  readonly leaseMs: number
  readonly timeoutMs: number
}

/** Rejects what cannot work with a StoreFault that names the option. */
export function settingsOf(options: Readonly<Record<string, unknown>>): S3Settings {
  const parsed = s3Config.safeParse(options)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new StoreFault(String(issue?.path[0] ?? "endpoint"), issue?.message ?? "The options cannot be read")
  }
  const { data } = parsed
  const { prefix } = data
  return {
    base: baseOf(data.endpoint, data.region, needed("bucket", data.bucket), data.pathStyle),
    region: data.region,
    accessKeyId: needed("accessKeyId", data.accessKeyId),
    secretAccessKey: needed("secretAccessKey", data.secretAccessKey),
    prefix: prefix === "" || prefix.endsWith("/") ? prefix : `${prefix}/`,
    flushMs: data.flushMs,
    leaseMs: data.leaseMs,
    timeoutMs: data.timeoutMs,
  }
}

function needed(option: (typeof s3Needs)[number], value: string | undefined): string {
  if (value === undefined) throw new StoreFault(option, "An S3 store cannot do without it")
  return value
}

function baseOf(endpoint: string | undefined, region: string, bucket: string, pathStyle: boolean | undefined): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,253}$/.test(bucket)) {
    throw new StoreFault("bucket", "A bucket's name consists of letters, digits and ._-")
  }
  const host = region.startsWith("cn-") ? "amazonaws.com.cn" : "amazonaws.com"
  const url = new URL(endpoint ?? `https://s3.${region}.${host}`)
  if (url.username !== "" || url.search !== "" || url.hash !== "") {
    throw new StoreFault("endpoint", "An endpoint has no user, no query and no fragment")
  }
  const path = url.pathname.replace(/\/+$/, "")
  // A certificate for all buckets of a host does not cover a name with dots in it.
  const inPath = pathStyle ?? (endpoint !== undefined || bucket.includes("."))
  return inPath ? `${url.protocol}//${url.host}${path}/${bucket}` : `${url.protocol}//${bucket}.${url.host}${path}`
}
