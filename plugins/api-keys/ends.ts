import type { PluginContext } from "../../core/plugin.ts"

/** Who is to hear when a key ends, because an answer to it is still being given. */
export interface Ends {
  /** Runs `over` once, at `expiresAt` (epoch ms) or when the key is told of. Returns how to stop hearing. */
  hear(keyId: string, expiresAt: number | null, over: () => void): () => void
  tell(keyId: string): void
}

/** The longest that a timer holds. */
const LONGEST_MS = 2_147_483_647

export function createEnds(clock: PluginContext<unknown, never>["clock"]): Ends {
  const hearing = new Map<string, Set<() => void>>()
  return {
    hear(keyId, expiresAt, over) {
      const others = hearing.get(keyId) ?? new Set()
      hearing.set(keyId, others)
      let timer = { cancel: (): void => undefined }
      const stop = (): void => {
        timer.cancel()
        others.delete(end)
        if (others.size === 0 && hearing.get(keyId) === others) hearing.delete(keyId)
      }
      const end = (): void => {
        stop()
        over()
      }
      const wait = (): void => {
        if (expiresAt === null) return
        const left = expiresAt - clock.now()
        timer = left <= 0 ? clock.after(0, end) : clock.after(Math.min(left, LONGEST_MS), wait)
      }
      others.add(end)
      wait()
      return stop
    },
    tell(keyId) {
      for (const end of [...(hearing.get(keyId) ?? [])]) end()
    },
  }
}
