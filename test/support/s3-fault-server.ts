import { createHash } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { signatures } from "./sigv4.ts"
import { deleteKeys, listPage, type MemoryBucket, memoryBucket } from "./s3-memory.ts"

/** What goes wrong with a request, instead of or beside what was asked for. */
export interface Fault {
  /** The answer, with this code in an error document; without one the body is empty. */
  readonly status?: number
  readonly code?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent in place of an error document. */
  readonly body?: string
  /** `hang`: no answer at all. `cut`: half of the body, then the connection ends. `lost`: done, but nobody is told. */
  readonly how?: "hang" | "cut" | "lost"
  /** It is done, and answered, only after this. */
  readonly after?: Promise<unknown>
}

export interface FaultRequest {
  readonly method: string
  /** Path and query as sent. */
  readonly target: string
  readonly key: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage["headers"]
  readonly body: Buffer
}

/** A small S3 over real HTTP, whose objects a test can see and whose answers it can spoil. */
export interface FaultServer {
  readonly bucket: MemoryBucket
  /** Everything asked so far. */
  readonly requests: FaultRequest[]
  readonly options: Readonly<Record<string, string>>
  /** Asked for each request; what it gives goes wrong. */
  spoil(fault: (request: FaultRequest) => Fault | undefined): void
  /** How it takes `If-None-Match`. */
  conditions: "kept" | "ignored" | "refused"
  versioning: boolean
  /** Whether it knows how to delete many objects at once. */
  bulk: boolean
  /** Objects in one page of a listing. */
  page: number
  stop(): Promise<void>
}

const BUCKET = "switchboard"
const SECRET = "SECRET-OF-THE-KEY"

export async function startFaultServer(): Promise<FaultServer> {
  const bucket = memoryBucket()
  const requests: FaultRequest[] = []
  let spoil: (request: FaultRequest) => Fault | undefined = () => undefined
  const http = createServer((message, response) => {
    response.sendDate = true
    void take(message).then((request) => request && answer(request, response))
  })
  // Nobody reuses a connection that a test has cut.
  http.keepAliveTimeout = 60_000

  /** Undefined when the request broke off: real servers store nothing of it either. */
  async function take(message: IncomingMessage): Promise<FaultRequest | undefined> {
    const parts: Buffer[] = []
    try {
      for await (const part of message) parts.push(part as Buffer)
    } catch {
      // The caller is gone.
      return undefined
    }
    const url = new URL(message.url ?? "", "http://localhost")
    const [, name = "", ...rest] = decodeURIComponent(url.pathname).split("/")
    const request = {
      method: message.method ?? "",
      target: message.url ?? "",
      key: rest.join("/"),
      query: url.searchParams,
      headers: message.headers,
      body: Buffer.concat(parts),
    }
    if (name !== BUCKET) return { ...request, key: "\0no bucket" }
    requests.push(request)
    return request
  }

  async function answer(request: FaultRequest, response: ServerResponse): Promise<void> {
    const fault = spoil(request)
    await fault?.after
    if (fault?.how === "hang") return
    if (fault?.status !== undefined) {
      const { code } = fault
      const document = fault.body ?? (code === undefined ? "" : errorDocument(code))
      return void response.writeHead(fault.status, { ...fault.headers }).end(document)
    }
    const { status, headers = {}, body = "" } = serve(request)
    if (fault?.how === "lost") return void response.destroy()
    if (fault?.how === "cut") {
      const bytes = Buffer.from(body)
      response.writeHead(status, { ...headers, "content-length": bytes.length })
      return void response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
    }
    response.writeHead(status, headers).end(body)
  }

  interface Reply {
    readonly status: number
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string | Uint8Array
  }
  const refuse = (status: number, code: string): Reply => ({ status, body: errorDocument(code) })

  function serve({ method, target, key, query, headers, body }: FaultRequest): Reply {
    if (key === "\0no bucket") return refuse(404, "NoSuchBucket")
    if (!(headers.authorization ?? "").includes("Credential=KEY/")) return refuse(403, "InvalidAccessKeyId")
    const signature = signatures({ method, target, headers }, SECRET)
    if (signature === undefined || signature.given !== signature.expected) return refuse(403, "SignatureDoesNotMatch")
    const digest = createHash("sha256").update(body).digest("hex")
    if (headers["x-amz-content-sha256"] !== digest) return refuse(400, "XAmzContentSHA256Mismatch")
    if (method === "GET" && query.has("versioning")) {
      return { status: 200, body: versioningDocument(server.versioning) }
    }
    if (method === "GET" && key === "") return { status: 200, body: listPage(bucket, query, server.page) }
    if (method === "POST" && query.has("delete")) {
      if (!server.bulk) return refuse(501, "NotImplemented")
      const md5 = createHash("md5").update(body).digest("base64")
      return headers["content-md5"] === md5
        ? { status: 200, body: deleteKeys(bucket, body.toString()) }
        : refuse(400, "BadDigest")
    }
    if (method === "PUT") {
      if (headers["if-none-match"] !== undefined) {
        if (server.conditions === "refused") return refuse(501, "NotImplemented")
        if (server.conditions === "kept" && bucket.get(key) !== undefined) return refuse(412, "PreconditionFailed")
      }
      bucket.put(key, body)
      return { status: 200 }
    }
    if (method === "DELETE") {
      bucket.remove(key)
      return { status: 204 }
    }
    const object = bucket.get(key)
    if (object === undefined) return refuse(404, "NoSuchKey")
    return { status: 200, headers: { "last-modified": object.modified.toUTCString() }, body: object.bytes }
  }

  http.listen(0, "127.0.0.1")
  await once(http, "listening")
  const { port } = http.address() as AddressInfo
  const server: FaultServer = {
    bucket,
    requests,
    options: {
      endpoint: `http://127.0.0.1:${port}`,
      bucket: BUCKET,
      accessKeyId: "KEY",
      secretAccessKey: SECRET,
    },
    spoil: (fault) => (spoil = fault),
    conditions: "kept",
    versioning: false,
    bulk: true,
    page: 1_000,
    async stop() {
      http.closeAllConnections()
      http.close()
      await once(http, "close")
    },
  }
  return server
}

function errorDocument(code: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>no</Message></Error>`
}

function versioningDocument(on: boolean): string {
  const status = on ? "<Status>Enabled</Status>" : ""
  return `<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${status}</VersioningConfiguration>`
}
