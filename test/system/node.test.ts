import { createHash, createHmac } from "node:crypto"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { createClock } from "../../adapters/system/clock.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "node-"))
  await writeFile(join(folder, ".env"), '# a comment\nPORT=4000\nexport QUOTED="a # b"\nEMPTY=\n')
  await mkdir(join(folder, "folder"))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe("the machine under Node", () => {
  const system = () => createNodeSystem({ folder, env: { A: "1" } })

  it("reads the environment it was given, and the variables of a file", async () => {
    expect(system().env()).toEqual({ A: "1" })
    expect(await system().readEnvFile(".env")).toEqual({ PORT: "4000", QUOTED: "a # b", EMPTY: "" })
    expect(await system().readEnvFile("absent")).toBeUndefined()
  })

  it("tells an absent file from one that cannot be read", async () => {
    expect(await system().readText("absent")).toBeUndefined()
    await expect(system().readText("folder")).rejects.toThrow("EISDIR")
  })

  it("finds files of installed packages", async () => {
    const text = new TextDecoder().decode(await system().readAsset("hono", "package.json"))
    expect(JSON.parse(text)).toMatchObject({ name: "hono" })
    await expect(system().readAsset("no-such-package", "a")).rejects.toThrow("installed")
  })

  it("locks a folder once", async () => {
    const lock = await system().lockFolder("data")
    expect(lock.held).toBe(true)
    expect(await system().lockFolder("data")).toMatchObject({
      held: false,
      owner: expect.stringContaining(String(process.pid)),
    })
    if (lock.held) await lock.release()
    const again = await system().lockFolder("data")
    expect(again.held).toBe(true)
    if (again.held) await again.release()
  })

  it("digests and compares as the standards say", () => {
    const data = new TextEncoder().encode("abc")
    const key = new Uint8Array(32).fill(7)
    expect(Buffer.from(system().sha256(data))).toEqual(createHash("sha256").update("abc").digest())
    expect(Buffer.from(system().hmac(key, data))).toEqual(createHmac("sha256", key).update("abc").digest())
    expect(system().equal(data, data.slice())).toBe(true)
    expect(system().equal(data, new Uint8Array(3))).toBe(false)
    expect(system().equal(data, new Uint8Array(4))).toBe(false)
  })

  it("tells what the process uses", () => {
    const { rss, heapUsed, heapTotal, external, cpuMicros } = system().resources()
    expect(rss).toBeGreaterThan(heapUsed)
    expect(heapTotal).toBeGreaterThanOrEqual(heapUsed)
    expect(external).toBeGreaterThan(0)
    expect(cpuMicros).toBeGreaterThan(0)
  })

  it("tells how late the event loop was, once, and nothing as nothing", async () => {
    const watch = system().watchEventLoop()
    try {
      expect(watch.read()).toEqual({ p50: 0, p99: 0, max: 0 })
      const until = performance.now() + 100
      while (performance.now() < until);
      let max = 0
      const late = (): number => (max = Math.max(max, watch.read().max))
      // The timer was due 20 ms after the watch began.
      await expect.poll(late, { interval: 5, timeout: 10_000 }).toBeGreaterThan(50)
      await expect.poll(() => watch.read().max, { interval: 5, timeout: 10_000 }).toBeLessThan(50)
    } finally {
      watch.stop()
    }
  })

  it("tells how much room there is on the disk of a folder", async () => {
    const { free, total } = await system().disk("folder")
    expect(total).toBeGreaterThan(free)
    expect(free).toBeGreaterThan(0)
    await expect(system().disk("absent")).rejects.toThrow("ENOENT")
  })
})

describe("the machine's clock", () => {
  it("sleeps until its time, or until it is called off", async () => {
    const clock = createClock()
    const before = clock.monotonic()
    await clock.sleep(5)
    expect(clock.monotonic() - before).toBeGreaterThanOrEqual(4)
    const signal = AbortSignal.abort(new Error("called off"))
    await expect(clock.sleep(60_000, signal)).rejects.toThrow("called off")
    const late = new AbortController()
    const slept = expect(clock.sleep(60_000, late.signal)).rejects.toThrow("called off")
    late.abort(new Error("called off"))
    await slept
  })

  it("runs a task once or again and again, until it is cancelled", async () => {
    const clock = createClock()
    const seen: string[] = []
    const cancelled = clock.after(1, () => seen.push("cancelled"))
    cancelled.cancel()
    await new Promise<void>((resolve) => {
      const timer = clock.every(1, () => {
        if (seen.push("again") < 3) return
        timer.cancel()
        clock.after(5, resolve)
      })
      // Timers of the house keep no process alive; this one keeps the test alive.
      setTimeout(resolve, 2_000).unref()
    })
    expect(seen).toEqual(["again", "again", "again"])
  })
})
