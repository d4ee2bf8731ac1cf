import { execFile } from "node:child_process"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { createServer as createHttpServer } from "node:http"
import type { AddressInfo } from "node:net"
import { createServer as createTlsServer } from "node:tls"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { inspect, promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openRedis, redisStorage, type RedisOptions } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { toError } from "../../core/errors.ts"
import { type OpenStore, StoreFault } from "../../core/store.ts"
import { bytes, codeOf } from "../suites/bytes.ts"
import { selfSigned } from "../support/certificate.ts"
import { temporaryFolder } from "../support/folder.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import { findRedis, type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts"
import { storeOptions } from "../support/store-options.ts"

const script = fileURLToPath(new URL("../support/redis-check.ts", import.meta.url))
const PASSWORD = "canary-password"
const USER = "canary-user"

const optionsOf = (url: string, log: TestLog = createTestLog()): RedisOptions => {
  return { url, instance: "a", timeoutMs: 1_000, clock: createClock(), log }
}

/** What opening, or else a check, is refused with. */
async function faultOf(options: RedisOptions): Promise<StoreFault> {
  let store: OpenStore | undefined
  try {
    store = await openRedis(options)
    await store.check()
  } catch (error) {
    if (error instanceof StoreFault) return error
    throw error
  } finally {
    await store?.close()
  }
  throw new Error("Nothing was refused")
}

describe("the url of a Redis store", () => {
  it.each([
    ["http://host:1", "url"],
    ["localhost:6379", "url"],
    [`redis://${USER}:${PASSWORD}@`, "url"],
    [`redis://${USER}:${PASSWORD}@host/name`, "url"],
    [`redis://${USER}:${PASSWORD}@host/1?db=2`, "url"],
    [`redis://${USER}:${PASSWORD}%@host`, "url"],
    [`redis://${USER}:${PASSWORD}@host:99999`, "url"],
  ])("is refused without showing any of it: %#", async (url, option) => {
    const fault = await faultOf(optionsOf(url))
    expect(fault.option).toBe(option)
    expect(inspect(fault, { depth: 9 })).not.toMatch(/canary/)
  })

  it("names one database, as the option does", async () => {
    expect((await faultOf({ ...optionsOf("redis://127.0.0.1:1/1"), db: 2 })).option).toBe("db")
  })
})

describe("the options of a Redis store", () => {
  it.each([
    ["prefix", "no-colon"],
    ["prefix", "two::"],
    ["prefix", ""],
    ["db", -1],
    ["leaseMs", 0],
    ["url", undefined],
  ])("refuse %s: %j", async (option, value) => {
    const options = storeOptions({ url: "redis://127.0.0.1:1", [option]: value })
    const error = await redisStorage.open(options).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(StoreFault)
    expect((error as StoreFault).option).toBe(option)
  })
})

describe.skipIf(findRedis() === undefined)(`a Redis server that is set up${redisMissing}`, () => {
  let server: RedisServer
  let locked: RedisServer

  beforeAll(async () => {
    server = await startRedis({ keep: "everysec" })
    locked = await startRedis({ args: ["--requirepass", PASSWORD], password: PASSWORD, keep: "none" })
  })
  afterAll(async () => {
    await server.remove()
    await locked.remove()
  })

  const call = (words: string, at: RedisServer = server): Promise<unknown> => {
    const [name = "", ...args] = words.split(" ")
    return at.client().call(name, args)
  }
  const withStore = async <T>(options: RedisOptions, work: (store: OpenStore) => Promise<T>): Promise<T> => {
    const store = await openRedis(options)
    try {
      return await work(store)
    } finally {
      await store.close()
    }
  }

  it("is opened as an adapter, with defaults, and says nothing when all is well", async () => {
    const store = await redisStorage.open(storeOptions({ url: server.url }))
    expect(await store.check()).toEqual([])
    await store.driver.commit("acme", [{ key: "session/a", value: bytes("1") }], 1)
    await store.close()
    expect(await server.client().hkeys("switchboard:acme")).toContain("session/a")
    expect(String(await call("CLIENT LIST TYPE normal"))).not.toContain("evalsha")
  })

  it("takes a user and a password, also such as have to be escaped", async () => {
    await server.client().call("ACL", ["SETUSER", "us@r", "on", ">p:w/d%", "~*", "+@all"])
    const url = server.url.replace("redis://", `redis://${encodeURIComponent("us@r")}:${encodeURIComponent("p:w/d%")}@`)
    expect(await withStore(optionsOf(url), (store) => store.check())).toEqual([])
  })

  it("refuses a password that is wrong or missing, and shows none", async () => {
    const wrong = locked.url.replace(PASSWORD, `${PASSWORD}-wrong`)
    for (const url of [wrong, wrong.replace(":canary", `${USER}:canary`), locked.url.replace(`:${PASSWORD}@`, "")]) {
      const log = createTestLog()
      const fault = await faultOf(optionsOf(url, log))
      expect(fault.option).toBe("url")
      expect(fault.message).toMatch(/user and password/)
      expect(inspect(fault, { depth: 9 })).not.toMatch(/canary/)
      expect(log.text()).not.toMatch(/canary/)
    }
    expect(await withStore(optionsOf(locked.url), (store) => store.check())).toHaveLength(1)
  })

  it("notices a password that was changed while it was connected, and goes on when it is mended", async () => {
    const log = createTestLog()
    await withStore(optionsOf(locked.url, log), async (store) => {
      const admin = locked.client()
      await admin.ping()
      await admin.config("SET", "requirepass", "another")
      await admin.call("CLIENT", ["KILL", "TYPE", "normal", "SKIPME", "yes"])
      const fault = await store.check().catch((error: unknown) => error)
      expect(fault).toBeInstanceOf(StoreFault)
      expect(await codeOf(store.driver.load("acme", ["creds/me"]))).toBe("STORAGE_UNAVAILABLE")
      await admin.config("SET", "requirepass", PASSWORD)
      await expect.poll(() => codeOf(store.driver.load("acme", ["creds/me"])), { timeout: 20_000 }).toBe("none")
    })
    expect(log.text()).not.toMatch(/canary/)
  })

  it("goes on with a warning when a password is given to a server that wants none", async () => {
    const log = createTestLog()
    await withStore(optionsOf(server.url.replace("redis://", `redis://:${PASSWORD}@`), log), (store) => store.check())
    expect(log.lines.filter(({ level }) => level === "warn")).toHaveLength(1)
    expect(log.text()).not.toMatch(/canary/)
  })

  it("refuses a database that is not there, and keeps two databases apart", async () => {
    expect((await faultOf({ ...optionsOf(server.url), db: 99 })).option).toBe("db")
    await withStore({ ...optionsOf(server.url), db: 1 }, async (one) => {
      await one.driver.commit("only-one", [{ key: "session/a", value: bytes("1") }], 1)
      await withStore(optionsOf(`${server.url}/2`), async (two) => {
        expect(await two.driver.companies()).toEqual([])
        expect(await one.driver.companies()).toEqual(["only-one"])
      })
    })
  })

  it("refuses what does not speak Redis, and TLS on one side only", async () => {
    const http = createHttpServer((_, response) => response.end("hello")).listen(0, "127.0.0.1")
    const tls = createTlsServer(selfSigned).listen(0, "127.0.0.1")
    tls.on("tlsClientError", () => undefined)
    await Promise.all([once(http, "listening"), once(tls, "listening")])
    const port = (of: { address(): unknown }): number => (of.address() as AddressInfo).port
    for (const url of [
      `redis://127.0.0.1:${port(http)}`,
      `rediss://127.0.0.1:${port(http)}`,
      `rediss://127.0.0.1:${port(tls)}`,
      `redis://127.0.0.1:${port(tls)}`,
      server.url.replace("redis:", "rediss:"),
      locked.url.replace("redis:", "rediss:"),
    ]) {
      const fault = await faultOf(optionsOf(url))
      expect(fault.option, url).toBe("url")
    }
    http.close()
    tls.close()
  })

  it("speaks TLS with a server whose certificate is trusted, and with no other", async () => {
    const folder = await temporaryFolder()
    const [key, cert] = [join(folder.path, "key.pem"), join(folder.path, "cert.pem")]
    await writeFile(key, selfSigned.key)
    await writeFile(cert, selfSigned.cert)
    const files = ["--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", cert]
    const secured = await startRedis({ keep: "everysec", args: files, tls: true })
    const { href } = new URL(`rediss://localhost:${secured.port}/3`)
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: cert }
    const { stdout } = await promisify(execFile)(process.execPath, ["--import", "tsx", script, href], { env })
    const untrusted = await faultOf(optionsOf(href))
    const plain = await faultOf(optionsOf(href.replace("rediss:", "redis:")))
    await secured.remove()
    await folder.remove()
    expect(JSON.parse(stdout)).toEqual([])
    expect(untrusted.message).toMatch(/certificate/)
    expect(plain.message).toMatch(/rediss:/)
  })

  it("refuses a node of a cluster", async () => {
    const node = await startRedis({ keep: "none", args: ["--cluster-enabled", "yes"] })
    const fault = await faultOf(optionsOf(node.url))
    await node.remove()
    expect(fault.message).toMatch(/cluster/)
  })

  it.each([
    ["appendonly is off, with snapshots", "SET appendonly no", "SET save 3600", /last snapshot/],
    ["appendonly is off, without", "SET appendonly no", "SET save ", /loses every line/],
    ["the log is not synced", "SET appendfsync no", "SET save ", /power cut/],
    ["keys may be evicted", "SET maxmemory 100mb", "SET maxmemory-policy allkeys-lru", /allkeys-lru/],
  ])("warns when %s", async (_, first, second, warning) => {
    const client = server.client()
    const set = async (words: string): Promise<void> => {
      const [, name = "", value = ""] = words.split(" ")
      await client.config("SET", name, value === "3600" ? "3600 1" : value)
    }
    await set(first)
    await set(second)
    const warnings = await withStore(optionsOf(server.url), (store) => store.check())
    for (const words of ["SET appendonly yes", "SET save ", "SET appendfsync everysec", "SET maxmemory 0"])
      await set(words)
    await set("SET maxmemory-policy noeviction")
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toMatch(warning)
  })

  it("says that it could not look when CONFIG is not permitted", async () => {
    await server.client().call("ACL", ["SETUSER", USER, "on", `>${PASSWORD}`, "~*", "+@all", "-config", "-info"])
    const url = server.url.replace("redis://", `redis://${USER}:${PASSWORD}@`)
    const warnings = await withStore(optionsOf(url), (store) => store.check())
    expect(warnings).toEqual([expect.stringMatching(/could not be checked/)])
  })

  it("calls a server unavailable where the user may not do what a store does, and shows no name", async () => {
    await server.client().call("ACL", ["SETUSER", USER, "on", `>${PASSWORD}`, "~*", "+@all", "-evalsha", "-eval"])
    const url = server.url.replace("redis://", `redis://${USER}:${PASSWORD}@`)
    const log = createTestLog()
    const error = await withStore(optionsOf(url, log), (store) =>
      store.driver.commit("acme", [{ key: "creds/me", value: bytes("canary-secret") }], 1),
    ).catch((thrown: unknown) => thrown)
    expect(await codeOf(Promise.reject(toError(error)))).toBe("STORAGE_UNAVAILABLE")
    expect(inspect(error, { depth: 9, showHidden: true })).not.toMatch(/canary|63616e617279/)
    expect(log.text()).not.toMatch(/canary/)
  })
})
