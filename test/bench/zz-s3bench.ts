import { openS3 } from "/work/main/adapters/storage/s3/index.ts"
import { startS3Server } from "/work/main/test/support/s3-server.ts"
import { startFaultServer } from "/work/main/test/support/s3-fault-server.ts"
import { storeOptions } from "/work/main/test/support/store-options.ts"
import { temporaryFolder } from "/work/main/test/support/folder.ts"
import { AwsClient } from "aws4fetch"
import * as fs from "node:fs/promises"
const kind = process.argv[2] ?? "s3rver"
async function main() {
  const server = kind === "fault" ? await startFaultServer() : await startS3Server()
  const opts: any = typeof server.options === "function" ? server.options() : server.options
  const value = new Uint8Array(700).fill(65)
  const WRITERS = 8, COMMITS = 640, flushMs = Number(process.argv[3] ?? 60000)
  const commits = flushMs === 0 ? 100 : COMMITS
  const q = (a: number[], p: number) => a.sort((x, y) => x - y)[Math.floor(a.length * p)]!.toFixed(2)
  async function run(name: string, commit: (w: number, t: number) => Promise<unknown>) {
    const lat: number[] = []
    const b = performance.now(); const cpu = process.cpuUsage()
    await Promise.all(Array.from({ length: WRITERS }, async (_, w) => {
      for (let t = 0; t < commits; t++) { const s = performance.now(); await commit(w, t); lat.push(performance.now() - s) }
    }))
    const ms = performance.now() - b; const c = process.cpuUsage(cpu)
    console.log(name, Math.round(WRITERS * commits / ms * 1000), "saves/s p50", q(lat, .5), "p99", q(lat, .99), "cpu ms", Math.round((c.user + c.system) / 1000))
    return WRITERS * commits / ms
  }
  for (let round = 0; round < 4; round++) {
    const folder = await temporaryFolder()
    const store = await openS3(storeOptions({ ...opts, prefix: "o" + round, folder: folder.path, store: "s3", flushMs }))
    const fences = await Promise.all(Array.from({ length: WRITERS }, async (_, w) => (await store.claims!.claim("c" + w))!.fence))
    const keys = ["session/a", "session/b", "sender-key/c"]
    const ours = await run("ours", (w, t) => store.driver.commit("c" + w, keys.map(k => ({ key: k + (t % 40), value })), fences[w]!))
    await store.close()
    const client = new AwsClient({ accessKeyId: opts.accessKeyId, secretAccessKey: opts.secretAccessKey, service: "s3", region: "us-east-1", retries: 0 })
    const files = await Promise.all(Array.from({ length: WRITERS }, (_, w) => fs.open(folder.path + "/raw" + w, "a")))
    const waiting: Uint8Array[][] = Array.from({ length: WRITERS }, () => [])
    const flights: Promise<unknown>[] = Array.from({ length: WRITERS }, () => Promise.resolve())
    const put = async (w: number, t: number, parts: Uint8Array[]) => {
      const r = await client.fetch(`${opts.endpoint}/${opts.bucket}/raw${round}/${w}/${t}`, { method: "PUT", body: Buffer.concat(parts) }); await r.arrayBuffer(); if (!r.ok) throw new Error("" + r.status)
    }
    const raw = await run("raw ", async (w, t) => {
      const bytes = Buffer.concat([value, value, value])
      await files[w]!.write(bytes); await files[w]!.datasync()
      waiting[w]!.push(bytes)
      if (flushMs === 0 || waiting[w]!.length === 64) { const parts = waiting[w]!; waiting[w] = []; const f = flights[w]!.then(() => put(w, t, parts)); flights[w] = f; if (flushMs === 0) await f }
    })
    await Promise.all(flights)
    console.log("ratio", (ours / raw).toFixed(2))
    await Promise.all(files.map(f => f.close())); await folder.remove()
  }
  await server.stop()
}
void main()
