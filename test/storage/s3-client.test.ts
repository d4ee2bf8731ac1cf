import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { type Bucket, createBucket } from "../../adapters/storage/s3/bucket.ts"
import { createClient } from "../../adapters/storage/s3/client.ts"
import { settingsOf } from "../../adapters/storage/s3/config.ts"
import { errorCode, parseList } from "../../adapters/storage/s3/xml.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { isAppError } from "../../core/errors.ts"
import { StoreFault } from "../../core/store.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { createTestClock } from "../support/clock.ts"
import { escapeXml } from "../support/s3-memory.ts"
import { type Fault, type FaultServer, startFaultServer } from "../support/s3-fault-server.ts"

describe("requests to S3", () => {
  let server: FaultServer

  beforeEach(async () => {
    server = await startFaultServer()
  })
  afterEach(() => server.stop())

  const open = (more: Readonly<Record<string, unknown>> = {}): Bucket => {
    const settings = settingsOf({ ...server.options, ...more })
    return createBucket(createClient(settings, { clock: createClock() }), settings.prefix)
  }
  /** The first requests go wrong like this, one after the other. */
  const firstFail = (...faults: Fault[]): void => {
    let next = 0
    server.spoil(() => faults[next++])
  }
  const faultOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )

  it("write, read, list and remove objects under the prefix", async () => {
    const bucket = open({ prefix: "a/b" })
    expect(await bucket.put("x=1/y", bytes("1"))).toBe(true)
    expect(server.bucket.keys()).toEqual(["a/b/x=1/y"])
    expect((await bucket.get("x=1/y"))?.bytes).toEqual(bytes("1"))
    expect(await bucket.get("x=1/z")).toBeUndefined()
    expect((await bucket.list("x=1/")).objects).toMatchObject([{ key: "x=1/y", size: 1 }])
    expect((await bucket.list("", "/")).folders).toEqual(["x=1/"])
    await bucket.remove(["x=1/y"])
    expect(server.bucket.keys()).toEqual([])
  })

  it.each<[string, Fault]>([
    ["500", { status: 500, code: "InternalError" }],
    ["503", { status: 503, code: "SlowDown" }],
    ["429", { status: 429, headers: { "retry-after": "0" } }],
    ["a conflict with another writer", { status: 409, code: "ConditionalRequestConflict" }],
    ["a request that took too long", { status: 400, code: "RequestTimeout" }],
    ["an answer that is cut", { how: "cut" }],
    ["a connection that ends without an answer", { how: "lost" }],
    ["no answer in time", { how: "hang" }],
  ])("are tried again after %s", async (_, fault) => {
    server.bucket.put("x", bytes("1"))
    firstFail(fault, fault)
    expect((await open({ timeoutMs: 300 }).get("x"))?.bytes).toEqual(bytes("1"))
    expect(server.requests.length).toBe(3)
  })

  it("end with STORAGE_UNAVAILABLE when that does not help", async () => {
    server.spoil(() => ({ status: 503, code: "SlowDown" }))
    const error = await faultOf(open().put("x", bytes("1")))
    expect(isAppError(error) && error.code).toBe("STORAGE_UNAVAILABLE")
    expect(server.requests.length).toBe(4)
  })

  it("wait as long as the server asks for", async () => {
    firstFail({ status: 429, headers: { "retry-after": "1" } })
    const begun = performance.now()
    await open().put("x", bytes("1"))
    expect(performance.now() - begun).toBeGreaterThan(950)
  })

  it.each<[string, Fault, string]>([
    ["no bucket", { status: 404, code: "NoSuchBucket" }, "bucket"],
    ["a key id it does not know", { status: 403, code: "InvalidAccessKeyId" }, "accessKeyId"],
    ["a signature it refuses", { status: 403, code: "SignatureDoesNotMatch" }, "secretAccessKey"],
    ["a key that may not", { status: 403, code: "AccessDenied" }, "accessKeyId"],
    ["a refusal without a word", { status: 403 }, "accessKeyId"],
    ["another region", { status: 301, code: "PermanentRedirect" }, "region"],
    ["another region in the signature", { status: 400, code: "AuthorizationHeaderMalformed" }, "region"],
  ])("end at once with the option to mend after %s, whatever was asked", async (_, fault, option) => {
    server.spoil(() => fault)
    const bucket = open()
    const asked = [bucket.get("x"), bucket.put("x", bytes("1")), bucket.remove(["x"]), bucket.list("")]
    for (const error of await Promise.all(asked.map(faultOf))) {
      expect(error).toBeInstanceOf(StoreFault)
      expect((error as StoreFault).option).toBe(option)
      expect(`${(error as StoreFault).stack} ${String((error as StoreFault).cause)}`).not.toContain("SECRET")
    }
    expect(server.requests.length).toBe(4)
  })

  it.each<[string, Fault]>([
    ["without a body", { status: 404 }],
    ["with a page of some proxy", { status: 404, body: "<html><body>Not Found</body></html>" }],
    ["with half a document", { status: 404, body: "<Error><Code>NoSuch" }],
    ["with another code", { status: 404, code: "NoSuchUpload" }],
  ])("never take a 404 %s for an object that is not there", async (_, fault) => {
    server.spoil(() => fault)
    expect(await codeOf(open().get("x"))).toBe("STORAGE_UNAVAILABLE")
  })

  it("never take something else for a list that is empty", async () => {
    for (const body of ["", "<html></html>", "<ListBucketResult></ListBucketResult>", "{}"]) {
      server.spoil(() => ({ status: 200, headers: { date: new Date().toUTCString() }, body }))
      expect(await codeOf(open().list(""))).toBe("STORAGE_UNAVAILABLE")
    }
  })

  it("list and remove more than one page, whatever the names", async () => {
    for (let at = 0; at < 2_345; at++) server.bucket.put(`c/n-${at} & <b> "ä" +%2F`, bytes("1"))
    server.bucket.put("d/kept", bytes("1"))
    const bucket = open()
    const { objects } = await bucket.list("c/")
    expect(objects.map(({ key }) => key)).toEqual(server.bucket.keys("c/"))
    expect(server.requests.length).toBe(3)
    await bucket.remove(objects.map(({ key }) => key))
    expect(server.requests.length).toBe(6)
    expect(server.bucket.keys()).toEqual(["d/kept"])
  })

  it("read names from servers that do not encode them", () => {
    const name = "a & <b> 'c' \"d\""
    const contents = Array.from(
      { length: 1_000 },
      () => `<Contents><Key>${escapeXml(name)}</Key><ETag>&quot;0&quot;</ETag><Size>7</Size></Contents>`,
    )
    const document = `<ListBucketResult><IsTruncated>false</IsTruncated>${contents.join("")}</ListBucketResult>`
    const page = parseList(bytes(document))
    expect(page?.objects.length).toBe(1_000)
    expect(new Set(page?.objects.map(({ key }) => key))).toEqual(new Set([name]))
    expect(errorCode(bytes("<Error><Code>No Such<x/></Code></Error>"))).toBeUndefined()
  })

  it("remove one by one where the server cannot remove many", async () => {
    for (let at = 0; at < 30; at++) server.bucket.put(`c/${at}`, bytes("1"))
    server.bulk = false
    await open().remove(server.bucket.keys())
    expect(server.bucket.keys()).toEqual([])
  })

  it("write only where there is nothing, and do without that where the server cannot tell", async () => {
    const bucket = open()
    expect(await bucket.put("x", bytes("1"), { fresh: true })).toBe(true)
    expect(await bucket.put("x", bytes("2"), { fresh: true })).toBe(false)
    expect(server.bucket.get("x")?.bytes).toEqual(bytes("1"))
    server.conditions = "refused"
    expect(await bucket.put("y", bytes("1"), { fresh: true })).toBe(true)
    server.requests.length = 0
    expect(await bucket.put("z", bytes("1"), { fresh: true })).toBe(true)
    expect(server.requests.length).toBe(1)
  })

  it("fail at once while the server is known to be away, and find out by one request when it is back", async () => {
    const clock = createTestClock()
    const client = createClient(settingsOf(server.options), { clock })
    let away = true
    server.spoil(() => (away ? { status: 503 } : undefined))
    const ask = (): Promise<string> => codeOf(client.send({ method: "GET", key: "x", tries: 1 }))
    for (let turn = 0; turn < 5; turn++) expect(await ask()).toBe("STORAGE_UNAVAILABLE")
    expect(server.requests.length).toBe(5)
    for (let turn = 0; turn < 20; turn++) expect(await ask()).toBe("STORAGE_UNAVAILABLE")
    expect(server.requests.length).toBe(5)
    await clock.advance(2_000)
    await Promise.all(Array.from({ length: 10 }, ask))
    expect(server.requests.length).toBe(6)
    away = false
    expect(await ask()).toBe("STORAGE_UNAVAILABLE")
    await clock.advance(2_000)
    expect(await ask()).toBe("none")
    await Promise.all(Array.from({ length: 10 }, ask))
    expect(server.requests.length).toBe(17)
  })
})

describe("where an S3 store is", () => {
  const keys = { accessKeyId: "KEY", secretAccessKey: "SECRET-OF-THE-KEY" }
  /** The request as it would go out. */
  async function signed(options: Readonly<Record<string, unknown>>): Promise<{ url: URL; headers: Headers }> {
    const seen: { url: URL; headers: Headers }[] = []
    const settings = settingsOf({ ...keys, ...options })
    const client = createClient(settings, {
      clock: createClock(),
      fetch: async (url, { headers }) => {
        seen.push({ url, headers: new Headers(headers) })
        return new Response()
      },
    })
    await createBucket(client, settings.prefix).put("a=b/c", bytes("1"))
    const [request] = seen
    if (request === undefined) throw new Error("Nothing was sent")
    return request
  }

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["on AWS", { bucket: "mine", region: "eu-central-1" }, "https://mine.s3.eu-central-1.amazonaws.com/a%3Db/c"],
    ["on AWS by default", { bucket: "mine" }, "https://mine.s3.us-east-1.amazonaws.com/a%3Db/c"],
    ["in China", { bucket: "mine", region: "cn-north-1" }, "https://mine.s3.cn-north-1.amazonaws.com.cn/a%3Db/c"],
    ["with dots in the bucket", { bucket: "my.own" }, "https://s3.us-east-1.amazonaws.com/my.own/a%3Db/c"],
    ["at an endpoint", { bucket: "mine", endpoint: "http://host:9000/" }, "http://host:9000/mine/a%3Db/c"],
    ["below a path", { bucket: "mine", endpoint: "http://host/s3", prefix: "p" }, "http://host/s3/mine/p/a%3Db/c"],
    [
      "at an endpoint, by host",
      { bucket: "mine", endpoint: "https://host:9000", pathStyle: false },
      "https://mine.host:9000/a%3Db/c",
    ],
  ])("is known from its options: %s", async (_, options, url) => {
    const request = await signed(options)
    expect(request.url.href).toBe(url)
    const region = typeof options["region"] === "string" ? options["region"] : "us-east-1"
    expect(request.headers.get("authorization")).toMatch(
      new RegExp(`^AWS4-HMAC-SHA256 Credential=KEY/\\d{8}/${region}/s3/aws4_request, SignedHeaders=host;`),
    )
    expect(request.headers.get("x-amz-content-sha256")).toMatch(/^6b86b273/)
  })

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    ["no bucket", { ...keys }, "bucket"],
    ["a bucket that is a path", { ...keys, bucket: "a/b" }, "bucket"],
    ["no key", { bucket: "mine" }, "accessKeyId"],
    ["no secret", { bucket: "mine", accessKeyId: "KEY" }, "secretAccessKey"],
    ["an endpoint that is none", { ...keys, bucket: "mine", endpoint: "host" }, "endpoint"],
    ["a prefix that climbs", { ...keys, bucket: "mine", prefix: "../x" }, "prefix"],
    ["a prefix with an empty part", { ...keys, bucket: "mine", prefix: "a//b" }, "prefix"],
    ["no time to flush", { ...keys, bucket: "mine", flushMs: -1 }, "flushMs"],
    ["a lease that no clock can tell", { ...keys, bucket: "mine", leaseMs: 100 }, "leaseMs"],
  ])("is refused with the option to mend: %s", (_, options, option) => {
    let fault: unknown
    try {
      settingsOf(options)
    } catch (error) {
      fault = error
    }
    expect(fault).toBeInstanceOf(StoreFault)
    expect((fault as StoreFault).option).toBe(option)
    expect(String((fault as StoreFault).stack)).not.toContain("SECRET")
  })
})
