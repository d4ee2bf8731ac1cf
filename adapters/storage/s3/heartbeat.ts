import { createHash, randomBytes } from "node:crypto"
import type { Clock, Timer } from "../../../core/clock.ts"
import { appError } from "../../../core/errors.ts"
import type { Bucket, Effort } from "./bucket.ts"

/**
 * The sign of life of this instance: one object, written again and again, for all of its claims. Others judge its age by
 * the server's clock alone; we judge ours from before the writing was sent, so that we notice first.
 */
export interface Heartbeat {
  /** This instance in names of objects, `[0-9a-f]{16}`. */
  readonly instance: string
  /**
   * The life that goes on now, or a new one; undefined once a later process of this instance has begun. Rejects with
   * STORAGE_UNAVAILABLE.
   */
  living(): Promise<Life | undefined>
  /** What others have to know of an instance to tell whether a claim of that life is held. */
  lives(instance: string, life: string): Promise<boolean>
  close(): Promise<void>
}

/** From the first sign of life to the first that was missing. Claims end with it. */
export interface Life {
  /** `[0-9a-f]{16}`; another one for each life. */
  readonly id: string
  /** Nobody can have taken over yet. */
  alive(): boolean
  /** Aborted when half of the lease has passed without a sign, and when a later process of this instance has begun. */
  readonly ended: AbortSignal
}

export interface HeartbeatInput {
  readonly bucket: Bucket
  readonly clock: Clock
  readonly leaseMs: number
  readonly instance: string
}

/** Times of objects and of answers are whole seconds, each cut off, and two clocks of a server may differ a little. */
export const SERVER_CLOCK_MS = 2_000

interface Beat {
  readonly life: string
  readonly leaseMs: number
}

export function createHeartbeat({ bucket, clock, leaseMs, instance }: HeartbeatInput): Heartbeat {
  const own = createHash("sha256").update(instance).digest("hex").slice(0, 16)
  const effort: Effort = { tries: 1, insists: true, timeoutMs: Math.max(250, leaseMs / 10) }
  let beginning: Promise<Life | undefined> | undefined
  let last: string | undefined
  let superseded = false
  let current: { readonly life: Life; end(): void } | undefined
  let closed = false

  async function write(life: string): Promise<void> {
    const beat: Beat = { life, leaseMs }
    await bucket.put(beatName(own), new TextEncoder().encode(JSON.stringify(beat)), effort)
  }

  /** True when a life that is not ours has followed ours. */
  async function isSuperseded(mine: string): Promise<boolean> {
    const there = await bucket.get(beatName(own), effort)
    superseded ||= there !== undefined && decode(there.bytes)?.life !== mine
    return superseded
  }

  async function begin(): Promise<Life | undefined> {
    if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") })
    if (superseded || (last !== undefined && (await isSuperseded(last)))) return undefined
    const id = randomBytes(8).toString("hex")
    let sent = times()
    let next: Timer | undefined
    let missing: Timer | undefined
    const ended = new AbortController()
    const end = (): void => {
      next?.cancel()
      missing?.cancel()
      ended.abort()
      if (current?.life === life) current = undefined
    }
    /** Machines sleep: then one clock stands still while others go on. */
    const age = (): number => {
      const now = times()
      return Math.max(now.monotonic - sent.monotonic, now.wall - sent.wall)
    }
    const alive = (): boolean => !ended.signal.aborted && age() < leaseMs

    async function beat(): Promise<void> {
      if (!alive()) return end()
      const sending = times()
      try {
        if (await isSuperseded(id)) return end()
        if (!alive()) return end()
        await write(id)
        // One that arrived after the lease had lapsed does not bring it back: others may have taken over in between.
        if (!alive()) return end()
        sent = sending
        watch()
      } catch {
        // Tried again soon; when signs go on missing, the watch ends this life.
      }
      if (!ended.signal.aborted) next = clock.after(Math.max(leaseMs / 3 - age(), leaseMs / 24), () => void beat())
    }

    function watch(): void {
      missing?.cancel()
      missing = clock.after(leaseMs / 2 - age(), end)
    }

    const life: Life = { id, alive, ended: ended.signal }
    await write(id)
    if (age() >= leaseMs / 2) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("S3 answers too slowly") })
    last = id
    current = { life, end }
    watch()
    next = clock.after(leaseMs / 3 - age(), () => void beat())
    return life
  }

  const times = (): { readonly monotonic: number; readonly wall: number } => ({
    monotonic: clock.monotonic(),
    wall: clock.now(),
  })

  return {
    instance: own,

    async living() {
      if (current?.life.alive() === true) return current.life
      beginning ??= begin().finally(() => {
        beginning = undefined
      })
      return beginning
    },

    async lives(other, life) {
      const there = await bucket.get(beatName(other))
      if (there === undefined) return false
      const beat = decode(there.bytes)
      if (beat?.life !== life) return false
      return there.date - there.modified < beat.leaseMs + SERVER_CLOCK_MS
    },

    async close() {
      closed = true
      await beginning?.catch(() => undefined)
      if (current === undefined) return
      current.end()
      // It would be taken for dead soon in any case.
      await bucket.remove([beatName(own)]).catch(() => undefined)
    },
  }
}

function beatName(instance: string): string {
  return `instances/${instance}`
}

/** Undefined for what no version of this server has written. */
function decode(bytes: Uint8Array): Beat | undefined {
  try {
    const beat: unknown = JSON.parse(new TextDecoder().decode(bytes))
    if (typeof beat !== "object" || beat === null || !("life" in beat) || !("leaseMs" in beat)) return undefined
    const { life, leaseMs } = beat
    return typeof life === "string" && typeof leaseMs === "number" ? { life, leaseMs } : undefined
  } catch {
    return undefined
  }
}
