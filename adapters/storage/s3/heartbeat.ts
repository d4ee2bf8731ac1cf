import { createHash, randomBytes } from "node:crypto"
import type { Clock, Timer } from "../../../core/clock.ts"
import { appError } from "../../../core/errors.ts"
import type { Bucket, Effort } from "./bucket.ts"

/**
 * The sign of life of this instance: one object, written again and again, for all of its claims. Others judge its age by
 * the server's clock alone; we judge ours from before the writing was sent, so that we notice first.
 *
 * Each life has an object of its own, `instances/<instance>-<life>`: what an ended one has still under way does not pass for
 * a sign of the next. Lives of an instance are in order, so that an earlier process knows a later one.
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
  /** No sign follows; others may take over when the lease has lapsed. */
  stop(): void
  /** Tells others that nobody lives here any more. */
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
/** How often a first sign may take half a lease. */
const SLOW = 3

export function createHeartbeat({ bucket, clock, leaseMs, instance }: HeartbeatInput): Heartbeat {
  const own = createHash("sha256").update(instance).digest("hex").slice(0, 16)
  const effort: Effort = { tries: 1, insists: true, timeoutMs: Math.max(1_000, leaseMs / 10) }
  let beginning: Promise<Life | undefined> | undefined
  /** Of this process, the last one last, also those whose first sign got no answer. */
  const lives: string[] = []
  let superseded = false
  let current: { readonly life: Life; end(): void } | undefined
  let closed = false

  async function write(life: string, effort: Effort): Promise<void> {
    await bucket.put(beatName(own, life), new TextEncoder().encode(JSON.stringify({ leaseMs })), effort)
  }

  /** All lives of this instance that have left a sign. */
  async function listed(effort: Effort): Promise<string[]> {
    const prefix = beatName(own, "")
    return (await bucket.list(prefix, undefined, effort)).objects.map(({ key }) => key.slice(prefix.length))
  }

  /** A later process of this instance has begun. (It holds the data folder; we should not be here any more.) */
  function isSuperseded(all: readonly string[]): boolean {
    const last = lives.at(-1)
    superseded ||= last !== undefined && all.some((life) => life > last && !lives.includes(life))
    return superseded
  }

  async function begin(): Promise<Life | undefined> {
    if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") })
    const before = superseded ? [] : await listed({ insists: true })
    if (isSuperseded(before)) return undefined
    const order = [...before, ...lives].map((life) => Number.parseInt(life.slice(0, 8), 16) || 0)
    const id = `${(Math.max(0, ...order) + 1).toString(16).padStart(8, "0")}${randomBytes(4).toString("hex")}`
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
        if (isSuperseded(await listed(effort))) return end()
        if (!alive()) return end()
        await write(id, effort)
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
    lives.push(id)
    for (let tried = 1; ; tried++) {
      sent = times()
      await write(id, { insists: true })
      if (age() < leaseMs / 2) break
      if (tried === SLOW) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("S3 answers too slowly") })
    }
    current = { life, end }
    // Nobody is behind them any more.
    const gone = before.map((other) => beatName(own, other))
    if (gone.length > 0) void bucket.remove(gone).catch(() => undefined)
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
      const there = await bucket.get(beatName(other, life))
      if (there === undefined) return false
      return there.date - there.modified < leaseOf(there.bytes) + SERVER_CLOCK_MS
    },

    stop() {
      closed = true
      current?.end()
    },

    async close() {
      closed = true
      await beginning?.catch(() => undefined)
      if (current === undefined) return
      current.end()
      // It would be taken for dead soon in any case.
      await bucket.remove(lives.slice(-1).map((life) => beatName(own, life))).catch(() => undefined)
    },
  }
}

function beatName(instance: string, life: string): string {
  return `instances/${instance}-${life}`
}

/** The lease that a sign stands for (ms), 0 for what no version of this server has written. */
function leaseOf(bytes: Uint8Array): number {
  try {
    const beat: unknown = JSON.parse(new TextDecoder().decode(bytes))
    return typeof beat === "object" && beat !== null && "leaseMs" in beat ? Number(beat.leaseMs) || 0 : 0
  } catch {
    return 0
  }
}
