import type { Clock, Timer } from "../../../core/clock.ts"
import { beginScript, endScript, keepScript } from "./claim-scripts.ts"
import type { Link } from "./link.ts"
import { runScript } from "./scripts.ts"

/** Says to others on the server that this process lives: one key, which goes by itself when nobody renews it. */
export interface Heartbeat {
  /** The text of the key. Undefined when a later process of this instance lives. Rejects with STORAGE_UNAVAILABLE. */
  begin(): Promise<string | undefined>
  /** The text of the key while it is renewed. */
  current(): string | undefined
  /** The key was found to be gone, or another's. */
  lose(): void
  /** Ends it and removes the key. */
  end(): Promise<void>
}

export interface HeartbeatOptions {
  readonly link: Link
  /** The instance's key. */
  readonly key: string
  /** Tells this process from others of its instance. */
  readonly process: string
  readonly leaseMs: number
  readonly clock: Clock
  /** Called before others may take the lease for lapsed, with half of it left. */
  readonly lost: () => void
}

export function createHeartbeat({ link, key, process, leaseMs, clock, lost }: HeartbeatOptions): Heartbeat {
  const retryMs = Math.min(1_000, leaseMs / 20)
  let birth = ""
  let text: string | undefined
  let beginning: Promise<string | undefined> | undefined
  let beat: Timer | undefined
  let lapse: Timer | undefined

  function stop(): void {
    beat?.cancel()
    lapse?.cancel()
    text = undefined
  }

  function lose(): void {
    if (text === undefined) return
    stop()
    lost()
  }

  /** The server counts from when it had the renewal, which was later than `sentAt`. */
  function renewed(sentAt: number): void {
    beat?.cancel()
    lapse?.cancel()
    const passed = clock.monotonic() - sentAt
    lapse = clock.after(Math.max(0, leaseMs / 2 - passed), lose)
    beat = clock.after(Math.max(0, leaseMs / 3 - passed), () => void keep())
  }

  async function keep(): Promise<void> {
    const own = text
    if (own === undefined) return
    const sentAt = clock.monotonic()
    try {
      const kept = await link.run((client) => runScript(client, keepScript, [key], [own, leaseMs]), { repeat: true })
      if (text !== own) return
      if (kept === 1) renewed(sentAt)
      else lose()
    } catch {
      // Unreachable, which the store says wherever it is asked; what follows from it is the lapse.
      if (text === own) beat = clock.after(retryMs, () => void keep())
    }
  }

  async function start(): Promise<string | undefined> {
    const sentAt = clock.monotonic()
    const work = link.run((client) => runScript(client, beginScript, [key], [process, birth, leaseMs]), {
      repeat: false,
    })
    const begun = await work
    if (typeof begun !== "string") return undefined
    birth = begun.slice(0, begun.indexOf(" "))
    text = begun
    renewed(sentAt)
    return begun
  }

  return {
    current: () => text,
    lose,
    async begin() {
      if (text !== undefined) return text
      beginning ??= start().finally(() => {
        beginning = undefined
      })
      return beginning
    },
    async end() {
      const own = text
      stop()
      if (own !== undefined) await link.run((client) => runScript(client, endScript, [key], [own]), { repeat: true })
    },
  }
}
