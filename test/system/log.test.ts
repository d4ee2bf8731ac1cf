import { existsSync } from "node:fs"
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises"
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
