import { execFile } from "node:child_process"
import { statSync } from "node:fs"
import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { promisify } from "node:util"

const run = promisify(execFile)

/** A folder on a disk that can be full. */
export interface SmallDisk {
  readonly path: string
  /** From now on no file grows; `growing` is the one that the test wants to write to. */
  fill(growing: string): Promise<void>
  /** Gives the room back. */
  free(): Promise<void>
  remove(): Promise<void>
}

/**
 * A small file system of its own where this process may mount one. Elsewhere the limit of the size of files plays the
 * full disk: the system answers EFBIG instead of ENOSPC. `writer` is the process that is limited then.
 */
export async function smallDisk(bytes: number, writer = (): number => process.pid): Promise<SmallDisk> {
  const path = await mkdtemp(join(tmpdir(), "switchboard-small-"))
  try {
    await run("mount", ["-t", "tmpfs", "-o", `size=${bytes},mode=700`, "tmpfs", path])
  } catch {
    // Not root, or not Linux.
    return limitedDisk(path, writer)
  }
  const ballast = join(path, "ballast")
  return {
    path,
    async fill() {
      const file = await open(ballast, "w")
      try {
        for (let chunk = 64 << 10; chunk >= 1; chunk >>= 1) {
          while ((await file.write(Buffer.alloc(chunk)).catch(() => ({ bytesWritten: 0 }))).bytesWritten === chunk);
        }
      } finally {
        await file.close()
      }
    },
    free: () => rm(ballast),
    async remove() {
      await run("umount", [path])
      await rm(path, { recursive: true })
    },
  }
}

function limitedDisk(path: string, writer: () => number): SmallDisk {
  const limit = async (bytes: string): Promise<void> => {
    await run("prlimit", ["--pid", String(writer()), `--fsize=${bytes}:`])
  }
  return {
    path,
    fill: (growing) => limit(String(statSync(growing).size)),
    free: () => limit("unlimited"),
    async remove() {
      await limit("unlimited")
      await rm(path, { recursive: true })
    },
  }
}
