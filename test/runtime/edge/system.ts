import type { Logger } from "../../../core/log.ts"
import type { System } from "../../../core/system.ts"
import { hmac, openSha256, sha256 } from "./sha256.ts"

/** Synchronous ciphers are not part of the web platform, and nothing here encrypts at rest. */
function absent(what: string): never {
  throw new Error(`${what} is not part of this runtime`)
}

/** A machine without files, processes or environment: what an edge runtime has. */
export function createEdgeSystem(env: Readonly<Record<string, string>>): System {
  // What is wrong has to be seen somewhere: a browser has a console.
  const log: Logger = {
    level: "error",
    trace: () => undefined,
    debug: () => undefined,
    info: () => undefined,
    warn: () => undefined,
    error: (fields, message) => console.error(message, fields),
    fatal: (fields, message) => console.error(message, fields),
    child: () => log,
  }
  return {
    runtime: "edge",
    env: () => env,
    readText: async () => undefined,
    readEnvFile: async () => undefined,
    readAsset: async (packageName) => {
      throw new Error(`${packageName} is not part of the bundle`)
    },
    loadModule: async (specifier) => {
      throw new Error(`${specifier} is not part of the bundle`)
    },
    // Memory belongs to one isolate: nobody else can be there.
    lockFolder: async () => ({ held: true, release: async () => undefined }),
    openLog: () => ({ log, close: () => undefined }),
    resources: () => ({ rss: 0, heapUsed: 0, heapTotal: 0, external: 0, cpuMicros: 0 }),
    watchEventLoop: () => ({ read: () => ({ p50: 0, p99: 0, max: 0 }), stop: () => undefined }),
    disk: async () => absent("A disk"),
    sha256,
    openSha256,
    hmac,
    equal(a, b) {
      let difference = a.length ^ b.length
      for (const [i, byte] of a.entries()) difference |= byte ^ (b[i] ?? 0)
      return difference === 0
    },
    randomBytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
    hkdf: () => absent("HKDF"),
    pbkdf2: async () => absent("PBKDF2"),
    aesGcm: { seal: () => absent("AES-GCM"), open: () => absent("AES-GCM") },
  }
}
