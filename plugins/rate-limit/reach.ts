import type { Clock, Logger } from "../../core/plugin.ts"

/** The way to something that may be away: whoever asks learns it within a moment, and nobody waits while it is known. */
export interface Reach {
  /** True from the first failure until it has answered again. */
  readonly away: boolean
  /** What it answers; undefined when it is away, or does not answer in time. */
  ask<T>(work: () => Promise<T>): Promise<T | undefined>
  close(): void
}

export interface ReachOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Fulfilled when it is there. */
  readonly probe: () => Promise<unknown>
  /** Said once when it is lost, and once when it is back. */
  readonly words: { readonly lost: string; readonly back: string }
}

/** Within the deadline of a guard. Short of it, a disk or a machine that is slow for a moment must not undo a shared limit. */
const PATIENCE_MS = 1_800
const GRACE_MS = 200
const PROBE_MS = 1_000

const LATE = Symbol("no answer in time")

export function createReach({ clock, log, probe, words }: ReachOptions): Reach {
  let away = false
  let closed = false
  let next = { cancel: (): void => undefined }

  /** In two waits: an answer that came while the process was busy is read before it counts as late. */
  const inTime = <T>(work: () => Promise<T>): Promise<T | typeof LATE> =>
    new Promise((resolve, reject) => {
      let timer = clock.after(PATIENCE_MS - GRACE_MS, () => {
        timer = clock.after(GRACE_MS, () => resolve(LATE))
      })
      work()
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })

  const look = (): void => {
    if (closed) return
    next = clock.after(PROBE_MS, () => {
      inTime(probe).then(
        (answer) => (answer === LATE ? look() : isBack()),
        () => look(),
      )
    })
  }

  const isBack = (): void => {
    if (closed) return
    away = false
    log.info({}, words.back)
  }

  const isLost = (reason: string): void => {
    if (away || closed) return
    away = true
    log.warn({ reason }, words.lost)
    look()
  }

  return {
    get away() {
      return away
    },
    async ask(work) {
      if (away) return undefined
      try {
        const answer = await inTime(work)
        if (answer !== LATE) return answer
        isLost(`No answer within ${PATIENCE_MS} ms`)
      } catch (thrown) {
        isLost(thrown instanceof Error ? thrown.message : "The call failed")
      }
      return undefined
    },
    close() {
      closed = true
      next.cancel()
    },
  }
}
