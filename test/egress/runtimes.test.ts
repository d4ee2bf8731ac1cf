import { spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import type { AddressInfo } from "node:net"
import process from "node:process"
import { fileURLToPath } from "node:url"
import { expect, test } from "vitest"
import { root } from "../support/platform.ts"
import { loopback } from "./spellings.ts"

const short = fileURLToPath(new URL("./short.ts", import.meta.url))
const runtimes = [
  { name: "Node", file: process.execPath, args: ["--import", "tsx", short] },
  { name: "Deno", file: `${root}node_modules/.bin/deno`, args: ["run", "-A", "--quiet", short] },
]

test.each(runtimes)(
  "ways out keep their promises on $name, whatever proxies the environment names",
  { timeout: 120_000 },
  async ({ file, args }) => {
    let asked = 0
    const proxy = createServer((socket) => {
      asked++
      socket.destroy()
    }).listen(0, "127.0.0.1")
    await once(proxy, "listening")
    const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const proxies = {
      HTTP_PROXY: url,
      HTTPS_PROXY: url,
      ALL_PROXY: url,
      http_proxy: url,
      https_proxy: url,
      all_proxy: url,
    }
    // Deno asks whether there is a newer one, and does so through the proxy.
    const quiet = { NODE_USE_ENV_PROXY: "1", NO_PROXY: "", no_proxy: "", DENO_NO_UPDATE_CHECK: "1" }
    const child = spawn(file, args, {
      cwd: root,
      env: { ...process.env, ...proxies, ...quiet },
      stdio: ["ignore", "pipe", "pipe"],
    })
    let output = ""
    let errors = ""
    child.stdout.on("data", (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()))
    await once(child, "close")
    proxy.close()
    expect(child.exitCode, errors).toBe(0)
    expect(JSON.parse(output)).toEqual({
      passed: [],
      reached: loopback.filter(({ address }) => address === "127.0.0.1").length,
      get: "200 GET here",
      post: "200 POST here",
      gzip: "200 zipped",
      bomb: "URL_ANSWER_UNUSABLE",
      away: "refused: address",
      round: ["200 zipped", "refused: redirects"],
      long: "URL_ANSWER_UNUSABLE",
      cut: "URL_UNREACHABLE",
      slow: "URL_TIMEOUT",
      tls: "200 GET here",
      tlsByAddress: "200 zipped",
      otherName: "URL_UNREACHABLE",
      untrusted: "URL_UNREACHABLE",
      peer: "refused: address",
      httpProxy: "200 zipped",
      httpProxyTls: "200 zipped",
      socksProxy: "200 zipped",
      socksProxyTls: "200 zipped",
      loopExample: "address",
      slowExample: "unresolved",
    })
    expect(asked).toBe(0)
  },
)
