import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { getRequestListener } from "@hono/node-server"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import type { Ledger, Op } from "../../core/ledger.ts"
import { encodeRecord } from "../../core/records/values.ts"
import { temporaryFolder } from "../support/folder.ts"
import { openStoredWeb, type Web } from "./web.ts"

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

/** So many that what sockets and their readers hold by themselves, some 10 to 20 MB, is the lesser part. */
const MESSAGES = 100_000
const TEXT = "Dear customer, your appointment is tomorrow at ten. Please answer with 1 to confirm it. ".repeat(8)
const PATH = "/api/whatsapp/companies/acme/export"

function used(): number {
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe("the export of a large company, over a socket", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let ledger: Ledger
  let web: Web
  let server: Server
  let url: string
  let pages = 0

  beforeAll(async () => {
    folder = await temporaryFolder()
    ledger = await openLmdb({ folder: folder.path, durable: false })
    for (let at = 0; at < MESSAGES; at += 500) {
      const ops = Array.from({ length: 500 }, (_, place): Op => {
        const value = encodeRecord({ message: TEXT, order: at + place })
        return { op: "put", table: "message", key: `m${at + place}`, value }
      })
      await ledger.commit("acme", ops)
    }
    const counting: Ledger = {
      ...ledger,
      async dump(company, after, limit) {
        pages++
        return ledger.dump(company, after, limit)
      },
    }
    web = await openStoredWeb({ stores: ["files"], ledger: counting })
    const listener = getRequestListener((request) => web.http.fetch(request))
    server = createServer((incoming, outgoing) => void listener(incoming, outgoing))
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${PATH}`
  }, 60_000)

  afterAll(async () => {
    server.closeAllConnections()
    server.close()
    await ledger.close()
    await folder.remove()
  })

  it("takes the memory of some pages, however much there is", { timeout: 60_000 }, async () => {
    const { body } = await fetch(url)
    if (body === null) throw new Error("there is no body")
    const before = used()
    let bytes = 0
    let chunks = 0
    let most = 0
    for await (const chunk of body) {
      bytes += (chunk as Uint8Array).length
      if (chunks++ % 100 === 0) most = Math.max(most, used() - before)
    }
    expect(bytes).toBeGreaterThan(MESSAGES * TEXT.length)
    expect(most).toBeLessThan(bytes / 2)
  })

  it("stops reading when its client has gone", { timeout: 60_000 }, async () => {
    pages = 0
    const gone = new AbortController()
    const { body } = await fetch(url, { signal: gone.signal })
    await body?.getReader().read()
    gone.abort()
    let last = -1
    // What the sockets hold is still sent; then nothing more is read.
    await expect
      .poll(
        () => {
          const still = pages === last
          last = pages
          return still
        },
        { timeout: 20_000, interval: 500 },
      )
      .toBe(true)
    expect(pages).toBeLessThan(MESSAGES / 200)
  })
})
