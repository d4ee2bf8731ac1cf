import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { describe, expect, it } from "vitest"
import { openOutput } from "../../adapters/system/log-output.ts"
import { temporaryFolder } from "../support/folder.ts"
import { until } from "../support/platform.ts"

/** Writes as the machine would: what `answers` says to each call is a number of bytes taken, or the code of an error. */
function machine(answers: (number | string)[]) {
  const taken: string[] = []
  const put = (_: number, bytes: Uint8Array, from: number): number => {
    const answer = answers.shift() ?? bytes.length
    if (typeof answer === "string") throw Object.assign(new Error(answer), { code: answer })
    taken.push(Buffer.from(bytes.subarray(from, from + answer)).toString())
    return Math.min(answer, bytes.length - from)
  }
  const output = openOutput(1, put as never, () => new Date(0))
  return { output, text: () => taken.join("") }
}
const GAP = (count: number) =>
  `{"level":"warn","time":"1970-01-01T00:00:00.000Z","repeated":${count},"msg":"Lines are missing here: nobody took them"}\n`

describe("The output of the log", () => {
  it("writes on where the machine took a part, and waits for a reader that is behind", () => {
    const { output, text } = machine([3, "EAGAIN", "EAGAIN", 2])
    output.write("a first line\n")
    output.write("a second\n")
    expect(text()).toBe("a first line\na second\n")
  })

  it.each(["EPIPE", "EIO", "EBADF"])("is left alone when nobody is there any more: %s", (code) => {
    const { output, text } = machine([4, code, "ENOSPC"])
    output.write("one\n")
    for (let count = 0; count < 3; count++) output.write("two\n")
    expect(text()).toBe("one\n")
  })

  it("on a full disk loses lines, never throws, and tells how many they were when there is room again", () => {
    const { output, text } = machine([4, 2, "ENOSPC", "ENOSPC", "ENOSPC"])
    for (const line of ["one\n", "two\n", "three\n", "four\n", "five\n"]) output.write(line)
    expect(text()).toBe(`one\ntw\n${GAP(3)}five\n`)
  })

  it("whose reader is stuck waits for it once, and not again for each line", () => {
    const stuck = Array.from({ length: 1_000 }, () => "EAGAIN")
    const { output, text } = machine(stuck)
    const begun = performance.now()
    for (let count = 0; count < 100; count++) output.write("lost\n")
    // A second for the first, and next to nothing for the others.
    expect(performance.now() - begun).toBeLessThan(10_000)
    stuck.length = 0
    output.write("read\n")
    expect(text()).toBe(`${GAP(100)}read\n`)
  })
})

describe("A server whose output is closed", () => {
  it("goes on, answers, logs into its file, and stops as it should", { timeout: 60_000 }, async () => {
    const folder = await temporaryFolder()
    const file = join(folder.path, "logs", "whatsapp.log")
    const { PATH, HOME } = process.env
    const child = spawn(process.execPath, ["--import", "tsx", "core/serve/node.ts"], {
      env: {
        PATH,
        HOME,
        PORT: "0",
        WHATSAPP_SESSIONS_PATH: folder.path,
        WHATSAPP_LOG_LEVEL: "debug",
        WHATSAPP_LOG_TO_FILE: "true",
        WHATSAPP_LOG_PATH: file,
      },
      stdio: ["ignore", "pipe", "pipe"],
    })
    try {
      const [first] = (await once(createInterface({ input: child.stdout }), "line")) as [string]
      expect(JSON.parse(first)).toHaveProperty("msg")
      child.stdout.destroy()
      child.stderr.destroy()
      // The first line comes on the output before it stands in the file, which is made for it.
      const written = () =>
        readFile(file, "utf8").catch((thrown: NodeJS.ErrnoException) => {
          if (thrown.code === "ENOENT") return ""
          throw thrown
        })
      const logged = async () => (await written()).split("\n").slice(0, -1)
      const url = await until("it is ready", 30_000, async () => {
        const ready = (await logged()).map((line) => JSON.parse(line) as { url?: string }).find((line) => line.url)
        return ready?.url
      })
      for (let count = 0; count < 50; count++) {
        const answer = await fetch(new URL("/nowhere", url), { headers: { "x-request-id": `r-${count}` } })
        expect(answer.status).toBe(404)
      }
      child.kill("SIGTERM")
      const [code] = (await once(child, "exit")) as [number]
      expect(code).toBe(0)
      const lines = await logged()
      expect(lines.filter((line) => line.includes('"requestId":"r-'))).toHaveLength(50)
      expect(lines.at(-1)).toContain("Stopping")
      expect(lines.join("\n")).not.toMatch(/EPIPE|"level":"(error|fatal)"/)
    } finally {
      child.kill("SIGKILL")
      await folder.remove()
    }
  })
})
