import { createContext, Script } from "node:vm"
import { fileURLToPath } from "node:url"
import { build } from "esbuild"
import { createHash, createHmac, randomBytes } from "node:crypto"
import { describe, expect, test } from "vitest"
import type { Edge } from "./edge/entry.ts"
import { builtIn } from "../support/built-in.ts"
import { hmac, sha256 } from "./edge/sha256.ts"

const folder = fileURLToPath(new URL("../..", import.meta.url))
const KEY = "edge-admin-key-of-thirty-two-chars"

/** What every browser and edge runtime has; nothing of Node's is among it. */
const WEB = {
  AbortController,
  AbortSignal,
  Blob,
  FormData,
  Headers,
  ReadableStream,
  Request,
  Response,
  TextDecoder,
  TextEncoder,
  TransformStream,
  URL,
  URLSearchParams,
  // One kind of bytes, inside and outside.
  Uint8Array,
  WritableStream,
  atob,
  btoa,
  clearInterval,
  clearTimeout,
  console,
  crypto,
  performance,
  queueMicrotask,
  setInterval,
  setTimeout,
  structuredClone,
}

/** The server with two of its plugins, from where they are. */
function entry(): string {
  const plugins = builtIn("api-keys", "validation").map(({ name }) => `./plugins/${name}/index.ts`)
  return [
    'import { openEdge as open } from "./test/runtime/edge/entry.ts"',
    ...plugins.map((file, at) => `import plugin${at} from "${file}"`),
    `export const openEdge = (env) => open(env, [${plugins.map((_, at) => `plugin${at}`).join(", ")}])`,
  ].join("\n")
}

/** One file for a browser-like target. A package or a module of Node that cannot be bundled fails the build. */
async function bundle(): Promise<{ readonly code: string; readonly inputs: readonly string[] }> {
  const { outputFiles, metafile } = await build({
    stdin: { contents: entry(), resolveDir: folder, loader: "ts" },
    absWorkingDir: folder,
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    target: "es2022",
    format: "iife",
    globalName: "edge",
    logLevel: "silent",
  })
  return { code: outputFiles[0]?.text ?? "", inputs: Object.keys(metafile.inputs) }
}

describe("the core on an edge runtime", () => {
  test("is bundled without a module of Node, and serves a request in a world that has web globals only", async () => {
    const { code, inputs } = await bundle()
    expect(inputs.filter((input) => input.startsWith("adapters/")).sort()).toEqual(
      inputs.filter((input) => /^adapters\/(ledger\/memory|storage\/memory|system\/clock)/.test(input)).sort(),
    )
    expect(code).not.toMatch(/\bfrom\s*"node:|\brequire\("node:|import\("node:/)

    const world = createContext({ ...WEB })
    const open = new Script(`${code};edge.openEdge`).runInContext(world) as (env: object) => Promise<Edge>
    const edge = await open({ WHATSAPP_API_KEY: KEY, WHATSAPP_PROVIDER: "edge", WHATSAPP_STORAGE: "memory" })
    const call = async (
      path: string,
      body: object,
    ): Promise<{ status: number; body: { data?: Record<string, unknown> } }> => {
      const response = await edge.fetch(
        new Request(`https://edge.invalid/api/whatsapp${path}`, {
          method: "POST",
          headers: { "content-type": "application/json", "x-api-key": KEY },
          body: JSON.stringify(body),
        }),
      )
      return { status: response.status, body: (await response.json()) as { data?: Record<string, unknown> } }
    }

    const begun = await call("/sessions/salon-1/initialize", {})
    expect(begun).toMatchObject({ status: 200, body: { data: { connected: true } } })
    const sent = await call("/send", { companyId: "salon-1", phone: "+49 151 12345678", message: "From the edge" })
    expect(sent).toMatchObject({ status: 200, body: { data: { status: "sent", companyId: "salon-1" } } })
    expect(edge.sent).toEqual([expect.stringContaining("From the edge")])
    expect(edge.sent[0]).toContain(String(sent.body.data?.messageId))
    await edge.stop()
  })

  test("a world without Node's globals has none: the proof would fail on them", () => {
    const seen = new Script("[typeof process, typeof Buffer, typeof require, typeof setImmediate]").runInContext(
      createContext({ ...WEB }),
    ) as string[]
    expect([...seen]).toEqual(["undefined", "undefined", "undefined", "undefined"])
  })

  test("its digests are those of everybody else", () => {
    for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 120, 1000]) {
      const [data, key] = [randomBytes(size), randomBytes(size + 1)]
      expect(Buffer.from(sha256(data))).toEqual(createHash("sha256").update(data).digest())
      expect(Buffer.from(hmac(key, data))).toEqual(createHmac("sha256", key).update(data).digest())
    }
  })
})
