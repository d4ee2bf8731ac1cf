import { createHash, createHmac, hkdfSync, pbkdf2Sync, randomBytes } from "node:crypto"
import { aesGcm } from "../../adapters/system/aes-gcm.ts"
import type { System } from "../../core/system.ts"
import { createTestLog, type TestLog } from "./log.ts"

export interface TestSystem extends System {
  readonly log: TestLog
  /** Folders that are locked now. */
  readonly locked: ReadonlySet<string>
}

export interface TestSystemOptions {
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Text of files by path; `.env` is read from here as well, as lines of NAME=value. */
  readonly files?: Readonly<Record<string, string>>
  readonly modules?: Readonly<Record<string, unknown>>
  /** Folders that another process holds, with what is said of it. */
  readonly foreign?: Readonly<Record<string, string>>
}

/** A machine that is a few records: no files, no process, nothing to clean up. */
export function createTestSystem({
  env = {},
  files = {},
  modules = {},
  foreign = {},
}: TestSystemOptions = {}): TestSystem {
  const log = createTestLog()
  const locked = new Set<string>()
  return {
    log,
    locked,
    runtime: "edge",
    env: () => env,
    readText: async (path) => files[path],
    async readEnvFile(path) {
      const lines = files[path]?.split("\n").filter((line) => line.includes("="))
      return lines && Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2)))
    },
    readAsset: async (packageName, file) => {
      throw new Error(`There is no ${packageName}/${file} here`)
    },
    async loadModule(specifier) {
      if (!Object.hasOwn(modules, specifier)) throw new Error("no package of that name is installed")
      return modules[specifier]
    },
    async lockFolder(path) {
      const owner = foreign[path] ?? (locked.has(path) ? "this process" : undefined)
      if (owner !== undefined) return { held: false, owner }
      locked.add(path)
      return { held: true, release: async () => void locked.delete(path) }
    },
    openLog: () => ({ log, close: () => undefined }),
    resources: () => ({ rss: 1, heapUsed: 1, heapTotal: 1, external: 1, cpuMicros: 1 }),
    watchEventLoop: () => ({ read: () => ({ p50: 0, p99: 0, max: 0 }), stop: () => undefined }),
    disk: async () => ({ free: 10 * 2 ** 30, total: 20 * 2 ** 30 }),
    sha256: (data) => new Uint8Array(createHash("sha256").update(data).digest()),
    openSha256() {
      const hash = createHash("sha256")
      return { update: (data) => void hash.update(data), digest: () => new Uint8Array(hash.digest()) }
    },
    hmac: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
    equal: (a, b) => a.length === b.length && a.every((byte, index) => byte === b[index]),
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    hkdf: (key, salt, info, length) => new Uint8Array(hkdfSync("sha256", key, salt, info, length)),
    pbkdf2: async (password, salt, rounds, length) =>
      new Uint8Array(pbkdf2Sync(password, salt, rounds, length, "sha256")),
    aesGcm,
  }
}
