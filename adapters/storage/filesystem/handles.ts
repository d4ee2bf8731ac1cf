import type { Disk } from "./disk.ts"

/** An open file that is closed when nobody uses it and it has to make room, or has been let go. */
export interface Handle {
  readonly file: number
}

/** Open files, so many at most (those in use do not count): hundreds of companies must not exhaust the process's limit. */
export interface Handles {
  /** Takes a file that was just opened; it is in use by the caller. */
  adopt(file: number): Handle
  /** Marks the handle as in use; false when it has been closed meanwhile. */
  use(handle: Handle): boolean
  done(handle: Handle): Promise<void>
  /** Closes the handle as soon as nobody uses it. */
  letGo(handle: Handle): Promise<void>
}

interface Tracked extends Handle {
  users: number
  state: "open" | "leaving" | "closed"
}

export function createHandles(disk: Disk, most: number): Handles {
  /** In the order of their last use. */
  const idle = new Set<Tracked>()

  async function close(handle: Tracked): Promise<void> {
    idle.delete(handle)
    handle.state = "closed"
    await disk.close(handle.file)
  }

  return {
    adopt: (file) => ({ file, users: 1, state: "open" }) as Tracked,

    use(handle) {
      const tracked = handle as Tracked
      if (tracked.state === "closed") return false
      tracked.users++
      idle.delete(tracked)
      return true
    },

    async done(handle) {
      const tracked = handle as Tracked
      if (--tracked.users > 0) return
      if (tracked.state === "leaving") return close(tracked)
      idle.add(tracked)
      if (idle.size <= most) return
      const [oldest] = idle
      if (oldest !== undefined) await close(oldest)
    },

    async letGo(handle) {
      const tracked = handle as Tracked
      if (tracked.state !== "open") return
      if (tracked.users === 0) return close(tracked)
      tracked.state = "leaving"
    },
  }
}
