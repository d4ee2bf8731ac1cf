import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { stat, writeFile } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { lockFolder } from "../../adapters/system/lock.ts"
import type { FolderLock } from "../../core/system.ts"
import { temporaryFolder } from "../support/folder.ts"

const script = fileURLToPath(new URL("../support/hold-lock.ts", import.meta.url))
const root = fileURLToPath(new URL("../..", import.meta.url))

const commands = {
  node: ["--import", "tsx"],
  deno: ["node_modules/deno/bin.cjs", "run", "--quiet", "--allow-read", "--allow-write", "--allow-sys", "--allow-ffi"],
} as const

interface Holder {
  readonly said: string
  readonly pid: number
  readonly ended: Promise<unknown>
}

/** A process that has ended already is where it should be. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error
  }
}

describe("the lock of a data folder", () => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>
  let path: string
  const pids: number[] = []

  beforeEach(async () => {
    folder = await temporaryFolder()
    path = join(folder.path, "data")
  })

  afterEach(async () => {
    for (const pid of pids.splice(0)) signal(pid, "SIGKILL")
    await folder.remove()
  })

  /** Another process that takes the lock, keeps it until it is killed, and says how that went. */
  async function holder(runtime: "node" | "deno"): Promise<Holder> {
    const child = spawn(process.execPath, [...commands[runtime], script, path], {
      cwd: root,
      stdio: ["ignore", "pipe", "inherit"],
    })
    let said = ""
    for await (const text of child.stdout.setEncoding("utf8")) {
      said += String(text)
      if (said.endsWith("\n")) break
    }
    // Not always the child itself: the command of Deno's package starts the program.
    const pid = Number(/^held by (\d+)$/m.exec(said)?.[1] ?? child.pid)
    pids.push(pid)
    return { said: said.trim(), pid, ended: once(child, "exit") }
  }

  const taken = async (): Promise<FolderLock> => {
    const lock = await lockFolder(path)
    if (!lock.held) throw new Error(`It is held by ${lock.owner}`)
    return lock
  }

  it("makes the folder with mode 700 and its file with mode 600", async () => {
    const lock = await taken()
    expect((await stat(path)).mode & 0o777).toBe(0o700)
    expect((await stat(join(path, "lock"))).mode & 0o777).toBe(0o600)
    await lock.release()
  })

  it.runIf(existsSync("/proc/self"))("says so where no folder can be made", async () => {
    await expect(lockFolder("/proc/switchboard/data")).rejects.toThrow(/ENOENT|EACCES|EPERM/)
  })

  it("is not given twice in one process, and again after it was released", async () => {
    const lock = await taken()
    expect(await lockFolder(path)).toEqual({ held: false, owner: `process ${process.pid} on host ${hostname()}` })
    await lock.release()
    await lock.release()
    await (await taken()).release()
  })

  it.each(["node", "deno"] as const)(
    "is held by another process on %s, also one that is stopped, until it is killed",
    async (runtime) => {
      const { pid, ended } = await holder(runtime)
      const owner = { held: false, owner: `process ${pid} on host ${hostname()}` }
      expect(await lockFolder(path)).toEqual(owner)
      signal(pid, "SIGSTOP")
      expect(await lockFolder(path)).toEqual(owner)
      signal(pid, "SIGKILL")
      await ended
      await (await taken()).release()
    },
  )

  it.each(["node", "deno"] as const)("is refused to a process on %s while this one has it", async (runtime) => {
    const lock = await taken()
    expect((await holder(runtime)).said).toBe(`refused: process ${process.pid} on host ${hostname()}`)
    await lock.release()
    expect((await holder(runtime)).said).toMatch(/^held by \d+$/)
  })

  it("does not believe what an owner that is gone has left in the file", async () => {
    await (await taken()).release()
    await writeFile(join(path, "lock"), `process ${process.pid} on host ${hostname()}`)
    await (await taken()).release()
  })
})
