import { existsSync, type writeSync, writeSync as put } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { openLog } from "../../adapters/system/log.ts"
import { openLogFile } from "../../adapters/system/log-file.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "log-"))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const output = (isTTY: boolean) => {
  const texts: string[] = []
  return { isTTY, texts, write: (text: string) => texts.push(text) }
}

describe("the log", () => {
  it("writes JSON lines with time, level, fields and message, to the output and to the file alike", async () => {
    const out = output(false)
    const file = join(folder, "logs", "whatsapp.log")
    const { log, close } = openLog({ level: "info", file }, out)
    log.child({ plugin: "health" }).warn({ company: "salon-1" }, "Slow")
    log.debug({}, "not at this level")
    close()
    expect(out.texts).toHaveLength(1)
    const line = JSON.parse(out.texts[0] ?? "") as Record<string, unknown>
    expect(line).toMatchObject({ level: "warn", plugin: "health", company: "salon-1", msg: "Slow" })
    expect(Date.parse(String(line.time))).not.toBeNaN()
    expect(await readFile(file, "utf8")).toBe(out.texts[0])
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it("writes an error with its stack and its cause", () => {
    const out = output(false)
    const { log } = openLog({ level: "info" }, out)
    log.error({ error: new Error("outer", { cause: new Error("inner") }) }, "Failed")
    expect(out.texts[0]).toContain("log.test.ts")
    expect(out.texts[0]).toContain("inner")
  })

  it("is pretty on a terminal, and stays JSON in the file", async () => {
    const out = output(true)
    const file = join(folder, "a.log")
    const { log, close } = openLog({ level: "info", file }, out)
    log.info({ url: "http://127.0.0.1:3000" }, "Ready")
    close()
    expect(out.texts.join("")).toContain("Ready")
    expect(() => JSON.parse(out.texts.join("")) as unknown).toThrow()
    expect(JSON.parse(await readFile(file, "utf8"))).toMatchObject({ msg: "Ready" })
  })

  it("says nothing when it is silent", () => {
    const out = output(false)
    openLog({ level: "silent" }, out).log.fatal({}, "x")
    expect(out.texts).toEqual([])
  })
})

describe("the log file", () => {
  it("is set aside at its size, a few are kept, and no line is torn or lost in between", async () => {
    const path = join(folder, "a.log")
    const file = openLogFile({ path, maxBytes: 100, keep: 2 })
    for (let number = 0; number < 25; number++) file.write(`line ${String(number).padStart(14, "0")}\n`)
    file.close()
    expect((await readdir(folder)).sort()).toEqual(["a.log", "a.log.1", "a.log.2"])
    const texts = await Promise.all(["a.log.2", "a.log.1", "a.log"].map((name) => readFile(join(folder, name), "utf8")))
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(100)
    const numbers = texts
      .join("")
      .trim()
      .split("\n")
      .map((line) => Number(line.slice(5)))
    expect(numbers.at(-1)).toBe(24)
    expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] ?? 0) + index))
  })

  it("goes on where it was when it is opened again", async () => {
    const path = join(folder, "a.log")
    for (const line of ["one\n", "two\n"]) {
      const file = openLogFile({ path })
      file.write(line)
      file.close()
    }
    expect(await readFile(path, "utf8")).toBe("one\ntwo\n")
  })

  it.each(["moved", "deleted"])(
    "that somebody has %s is opened anew, and no line is lost that came later",
    async (how) => {
      const path = join(folder, "a.log")
      let now = 0
      const file = openLogFile({ path, now: () => now })
      file.write("one\n")
      if (how === "moved") await rename(path, join(folder, "elsewhere"))
      else await rm(path)
      now += 1_000
      file.write("two\n")
      file.write("three\n")
      file.close()
      expect(await readFile(path, "utf8")).toBe("two\nthree\n")
      expect((await stat(path)).mode & 0o777).toBe(0o600)
      if (how === "moved") expect(await readFile(join(folder, "elsewhere"), "utf8")).toBe("one\n")
    },
  )

  it("is opened anew with its folder when that is gone", async () => {
    const path = join(folder, "logs", "a.log")
    let now = 0
    const file = openLogFile({ path, now: () => now })
    file.write("one\n")
    await rm(join(folder, "logs"), { recursive: true })
    now += 1_000
    file.write("two\n")
    file.close()
    expect(await readFile(path, "utf8")).toBe("two\n")
  })

  it("is cut to nothing by somebody else (copytruncate), and goes on from there", async () => {
    const path = join(folder, "a.log")
    let now = 0
    const file = openLogFile({ path, maxBytes: 100, now: () => now })
    file.write(`${"a".repeat(90)}\n`)
    await writeFile(path, "")
    now += 1_000
    file.write("two two two\n")
    file.close()
    expect(await readdir(folder)).toEqual(["a.log"])
    expect(await readFile(path, "utf8")).toBe("two two two\n")
  })

  it("is shared by two processes: each keeps to its size, and both write into the one of that name", async () => {
    const path = join(folder, "a.log")
    let now = 0
    const files = [0, 1].map(() => openLogFile({ path, maxBytes: 200, keep: 100, now: () => now }))
    for (let number = 0; number < 200; number++) {
      files[number % 2]?.write(`line ${String(number).padStart(14, "0")}\n`)
      now += 100
    }
    for (const file of files) file.close()
    const names = await readdir(folder)
    const texts = await Promise.all(names.map((name) => readFile(join(folder, name), "utf8")))
    for (const text of texts) expect(text.length).toBeLessThanOrEqual(200)
    expect(texts.join("").match(/line \d{14}\n/g)).toHaveLength(200)
    // None was set aside before its time.
    expect(names.length).toBeLessThanOrEqual(200 / 10 + 1)
  })

  it("on a full disk loses what has no room, tells so once, and goes on with whole lines when there is some", async () => {
    const path = join(folder, "a.log")
    const said: string[] = []
    let room = 10
    const append = ((descriptor: number, bytes: Uint8Array, from: number): number => {
      const part = bytes.subarray(from, from + room)
      if (part.length === 0)
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" })
      room -= part.length
      return put(descriptor, part)
    }) as typeof writeSync
    const file = openLogFile({ path, append, complain: (text) => said.push(text) })
    for (const line of ["line one\n", "line two\n", "line three\n"]) file.write(line)
    room = 1_000
    file.write("line four\n")
    file.write("line five\n")
    file.close()
    expect(await readFile(path, "utf8")).toBe("line one\nl\nline four\nline five\n")
    expect(said).toEqual([
      "The log file cannot be written: ENOSPC: no space left on device, write\n",
      "The log file is written again; lines missing in it: 2\n",
    ])
  })

  it("that is written every other time complains no more than once a minute", () => {
    const said: string[] = []
    let now = 0
    let calls = 0
    const append = (() => {
      if (calls++ % 2 === 0) throw new Error("no")
      return 4
    }) as unknown as typeof writeSync
    const file = openLogFile({
      path: join(folder, "a.log"),
      append,
      now: () => now,
      complain: (text) => said.push(text),
    })
    for (let second = 0; second < 600; second++) {
      now += 1_000
      for (let count = 0; count < 10; count++) file.write("one\n")
    }
    expect(said.length).toBeLessThanOrEqual(2 * 11)
  })

  it("that cannot be set aside grows on, and loses nothing", async () => {
    const path = join(folder, "a.log")
    const said: string[] = []
    // A folder with something in it where the oldest would go.
    await mkdir(join(folder, "a.log.2", "full"), { recursive: true })
    const file = openLogFile({ path, maxBytes: 50, keep: 2, complain: (text) => said.push(text) })
    for (let number = 0; number < 20; number++) file.write(`line ${String(number).padStart(14, "0")}\n`)
    file.close()
    expect((await readFile(path, "utf8")).trim().split("\n")).toHaveLength(20)
    expect(said).toHaveLength(1)
  })

  it("that cannot be written is said once, and never stops the server", () => {
    const said: string[] = []
    const file = openLogFile({ path: join(folder, "\0", "a.log"), complain: (text) => said.push(text) })
    file.write("one\n")
    file.write("two\n")
    expect(said).toHaveLength(1)
  })

  it.runIf(existsSync("/proc/self"))("in a folder that cannot be made is said, instead of being tried for ever", () => {
    const said: string[] = []
    const file = openLogFile({ path: "/proc/switchboard/a.log", complain: (text) => said.push(text) })
    file.write("one\n")
    expect(said).toHaveLength(1)
  })
})
