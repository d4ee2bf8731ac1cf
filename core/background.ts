import { toError } from "./errors.ts"
import type { HookFault } from "./hooks.ts"
import { withoutSecrets } from "./log-words.ts"

/** Work that goes on beside requests. */
export interface Background {
  /** Starts a task of an owner. Its signal is aborted when the server stops; it should then end soon. */
  run(owner: string, name: string, task: (signal: AbortSignal) => Promise<void>): void
  /** Aborts every task and resolves when all have ended. No task starts after this. */
  stop(): Promise<void>
}

export interface BackgroundOptions {
  /** Hears of a task that failed; the end that an abort brings about is no failure. */
  readonly onFault: (fault: HookFault, error: Error) => void
}

export function createBackground({ onFault }: BackgroundOptions): Background {
  const running = new Set<Promise<void>>()
  const stopped = new AbortController()

  const work = async (owner: string, name: string, task: (signal: AbortSignal) => Promise<void>): Promise<void> => {
    try {
      await task(stopped.signal)
    } catch (thrown) {
      if (stopped.signal.aborted && thrown === stopped.signal.reason) return
      const error = toError(thrown)
      onFault({ plugin: owner, hook: `background ${name}`, message: withoutSecrets(error.message) }, error)
    }
  }

  return {
    run(owner, name, task) {
      if (stopped.signal.aborted) return
      const done = work(owner, name, task).finally(() => running.delete(done))
      running.add(done)
    },
    async stop() {
      stopped.abort()
      while (running.size > 0) await Promise.all(running)
    },
  }
}
