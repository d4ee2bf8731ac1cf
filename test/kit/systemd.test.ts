import { execFile } from "node:child_process"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { read } from "../house/source.ts"
import { temporaryFolder } from "../support/folder.ts"
import { missing } from "./programs.ts"

const run = promisify(execFile)
const unit = read("config/systemd/switchboard.service")

/** Every value of a directive, in order. */
const valuesOf = (name: string): string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value)
const valueOf = (name: string): string => {
  const [value, ...more] = valuesOf(name)
  if (value === undefined || more.length > 0) throw new Error(`${name} stands ${more.length + 1} times`)
  return value
}

describe("the unit", () => {
  it("ends the server with a signal that it hears, and gives it longer than the 10 s that it takes at most", () => {
    expect(valueOf("KillSignal")).toBe("SIGTERM")
    expect(Number(valueOf("TimeoutStopSec"))).toBeGreaterThan(10)
    expect(valueOf("ExecStart")).toBe("/usr/bin/node config/start.mjs")
  })

  it("starts it again whatever has ended it, for as long as it takes", () => {
    expect(valueOf("Restart")).toBe("always")
    expect(Number(valueOf("RestartSec"))).toBeGreaterThan(0)
    expect(valueOf("StartLimitIntervalSec")).toBe("0")
  })

  it("runs it without rights, with folders of its own for state and logs", () => {
    expect(valueOf("User")).not.toBe("root")
    expect(valueOf("NoNewPrivileges")).toBe("yes")
    expect(valueOf("CapabilityBoundingSet")).toBe("")
    expect(valueOf("ProtectSystem")).toBe("strict")
    const environment = valuesOf("Environment")
    expect(environment).toContain(`WHATSAPP_SESSIONS_PATH=%S/${valueOf("StateDirectory")}`)
    expect(environment).toContain(`WHATSAPP_LOG_PATH=%L/${valueOf("LogsDirectory")}/whatsapp.log`)
  })

  it("hands it the admin key as a file", () => {
    const [name] = valueOf("LoadCredential").split(":")
    expect(valuesOf("Environment")).toContain(`WHATSAPP_API_KEY_FILE=%d/${name}`)
    expect(unit).not.toMatch(/^Environment=WHATSAPP_API_KEY=/m)
  })

  it("leaves the engine its code: it could not run without writing some", () => {
    expect(valuesOf("MemoryDenyWriteExecute")).toEqual([])
  })
})

describe.skipIf(missing("systemd-analyze") !== "")(`systemd${missing("systemd-analyze")}`, () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let file: string

  beforeAll(async () => {
    folder = await temporaryFolder()
    // It looks whether the program is there, which is elsewhere on this machine.
    file = join(folder.path, "switchboard.service")
    await writeFile(file, unit.replace("/usr/bin/node", process.execPath))
  })
  afterAll(() => folder.remove())

  it("understands every line of it", async () => {
    expect(await run("systemd-analyze", ["verify", file])).toEqual({ stdout: "", stderr: "" })
  })

  it("finds little that it is exposed to", async () => {
    await run("systemd-analyze", ["security", "--offline=true", "--threshold=20", "--no-pager", file])
  })
})
