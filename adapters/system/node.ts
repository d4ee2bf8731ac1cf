import crypto, { createHash, createHmac, hkdfSync, pbkdf2, randomBytes, timingSafeEqual } from "node:crypto"
import { readFile, statfs } from "node:fs/promises"
import { resolve } from "node:path"
import { promisify } from "node:util"
import { parse } from "dotenv"
import type { System } from "../../core/system.ts"
import { aesGcm } from "./aes-gcm.ts"
import { watchEventLoop } from "./event-loop.ts"
import { lockFolder } from "./lock.ts"
import { openLog } from "./log.ts"
import { loadDefault, readPackageFile } from "./modules.ts"

export interface NodeSystemOptions {
  /** What relative paths are relative to. Default: the working directory. */
  readonly folder?: string
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** In one call where the runtime has it: every request with a key asks for a digest. */
const sha256: System["sha256"] =
  typeof crypto.hash === "function"
    ? (data) => viewOf(crypto.hash("sha256", data, "buffer"))
    : (data) => viewOf(createHash("sha256").update(data).digest())

const viewOf = ({ buffer, byteOffset, byteLength }: Buffer): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength)

/** The machine under Node, and under Deno, which offers the same modules. */
export function createNodeSystem({ folder = process.cwd(), env = process.env }: NodeSystemOptions = {}): System {
  const readText = async (path: string): Promise<string | undefined> => {
    try {
      return await readFile(resolve(folder, path), "utf8")
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return undefined
      throw thrown
    }
  }
  return {
    runtime: "Deno" in globalThis ? "deno" : "node",
    env: () => env,
    readText,
    async readEnvFile(path) {
      const text = await readText(path)
      return text === undefined ? undefined : parse(text)
    },
    readAsset: (packageName, file) => readPackageFile(packageName, file, folder),
    loadModule: (specifier) => loadDefault(specifier, folder),
    lockFolder: (path) => lockFolder(resolve(folder, path)),
    openLog: ({ level, file }) => openLog(file === undefined ? { level } : { level, file: resolve(folder, file) }),
    resources() {
      const { rss, heapUsed, heapTotal, external } = process.memoryUsage()
      const { user, system } = process.cpuUsage()
      return { rss, heapUsed, heapTotal, external, cpuMicros: user + system }
    },
    watchEventLoop,
    async disk(path) {
      // Some of what is free may be kept for the machine's administrator.
      const { bavail, blocks, bsize } = await statfs(resolve(folder, path))
      return { free: bavail * bsize, total: blocks * bsize }
    },
    sha256,
    openSha256() {
      const hash = createHash("sha256")
      return { update: (data) => void hash.update(data), digest: () => new Uint8Array(hash.digest()) }
    },
    hmac: (key, data) => new Uint8Array(createHmac("sha256", key).update(data).digest()),
    equal: (a, b) => a.length === b.length && timingSafeEqual(a, b),
    randomBytes: (length) => new Uint8Array(randomBytes(length)),
    hkdf: (key, salt, info, length) => new Uint8Array(hkdfSync("sha256", key, salt, info, length)),
    pbkdf2: async (password, salt, rounds, length) =>
      new Uint8Array(await promisify(pbkdf2)(password, salt, rounds, length, "sha256")),
    aesGcm,
  }
}
