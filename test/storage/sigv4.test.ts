import { AwsClient } from "aws4fetch"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openS3 } from "../../adapters/storage/s3/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type FaultServer, startFaultServer } from "../support/s3-fault-server.ts"
import { signatures } from "../support/sigv4.ts"
import { storeOptions } from "../support/store-options.ts"

const SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
const EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
const HOST = "examplebucket.s3.amazonaws.com"
const signed = (headers: string, signature: string): string =>
  `AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=${headers},Signature=${signature}`

/** From "Signature Calculations for the Authorization Header" of the S3 API reference. */
const published = [
  {
    name: "GET object",
    method: "GET",
    target: "/test.txt",
    headers: { host: HOST, range: "bytes=0-9", "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z" },
    of: "host;range;x-amz-content-sha256;x-amz-date",
    signature: "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
  },
  {
    name: "PUT object",
    method: "PUT",
    target: "/test%24file.text",
    headers: {
      date: "Fri, 24 May 2013 00:00:00 GMT",
      host: HOST,
      "x-amz-content-sha256": "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
      "x-amz-date": "20130524T000000Z",
      "x-amz-storage-class": "REDUCED_REDUNDANCY",
    },
    of: "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
    signature: "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
  },
  {
    name: "GET bucket lifecycle",
    method: "GET",
    target: "/?lifecycle",
    headers: { host: HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z" },
    of: "host;x-amz-content-sha256;x-amz-date",
    signature: "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
  },
  {
    name: "list objects",
    method: "GET",
    target: "/?max-keys=2&prefix=J",
    headers: { host: HOST, "x-amz-content-sha256": EMPTY, "x-amz-date": "20130524T000000Z" },
    of: "host;x-amz-content-sha256;x-amz-date",
    signature: "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
  },
]

describe("the check of signatures", () => {
  it.each(published)("agrees with the published example: $name", ({ method, target, headers, of, signature }) => {
    const request = { method, target, headers: { ...headers, authorization: signed(of, signature) } }
    expect(signatures(request, SECRET)).toEqual({ expected: signature, given: signature })
    expect(signatures({ ...request, method: "POST" }, SECRET)?.expected).not.toBe(signature)
    expect(signatures(request, `${SECRET}x`)?.expected).not.toBe(signature)
  })
})

describe("requests to S3", () => {
  let server: FaultServer
  beforeAll(async () => {
    server = await startFaultServer()
  })
  afterAll(() => server.stop())

  const open = async (more: Readonly<Record<string, string>>) => {
    const folder = await temporaryFolder()
    const store = await openS3(storeOptions({ folder: folder.path, ...server.options, ...more }))
    return {
      store,
      async close() {
        await store.close()
        await folder.remove()
      },
    }
  }

  it("are signed so that a server that checks takes them, names with escapes and queries among them", async () => {
    for (const prefix of ["plain", "a.b_c-9", "deep/er"]) {
      const { store, close } = await open({ prefix })
      await store.check()
      await store.driver.commit("acme=2f=40", [{ key: "creds/creds", value: Uint8Array.of(1) }], 1)
      await store.flush("acme=2f=40")
      expect(await store.driver.companies()).toEqual(["acme=2f=40"])
      await store.driver.erase("acme=2f=40")
      await close()
    }
  })

  it("with the wrong secret are refused, and the setting is named", async () => {
    const { store, close } = await open({ secretAccessKey: "not-the-secret" })
    await expect(store.check()).rejects.toMatchObject({ name: "StoreFault", option: "secretAccessKey" })
    await close()
  })

  it("are refused when they have been changed on the way", async () => {
    const { endpoint, bucket, accessKeyId, secretAccessKey } = server.options
    const client = new AwsClient({
      accessKeyId: accessKeyId ?? "",
      secretAccessKey: secretAccessKey ?? "",
      service: "s3",
      region: "us-east-1",
      retries: 0,
    })
    const request = await client.sign(`${endpoint}/${bucket}/one`, { headers: { "x-amz-content-sha256": EMPTY } })
    expect((await fetch(request.clone())).status).toBe(404)
    expect((await fetch(`${endpoint}/${bucket}/two`, { headers: request.headers })).status).toBe(403)
  })
})
