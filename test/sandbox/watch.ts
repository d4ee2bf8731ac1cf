/** Lets callers wait until something they can see has come true. */
export interface Watch {
  /** Says that something changed. Cheap when nobody waits; many changes in one turn are looked at once. */
  changed(): void
  /** Gives what `look` gives as soon as that is not undefined; undefined after `ms`. */
  until<T>(look: () => T | undefined, ms: number): Promise<T | undefined>
}

const LOOK_INTERVAL_MS = 5

export function createWatch(): Watch {
  const waiting = new Set<() => void>()
  let scheduled = false
  let lookedAt = 0

  const lookAll = (): void => {
    scheduled = false
    lookedAt = Date.now()
    for (const check of [...waiting]) check()
  }

  return {
    changed() {
      if (waiting.size === 0 || scheduled) return
      scheduled = true
      // At once after a quiet time; under load not for every change, since a look may go through thousands of messages.
      if (Date.now() - lookedAt < LOOK_INTERVAL_MS) setTimeout(lookAll, LOOK_INTERVAL_MS)
      else setImmediate(lookAll)
    },
    until(look, ms) {
      const now = look()
      if (now !== undefined || ms <= 0) return Promise.resolve(now)
      return new Promise((resolve) => {
        const settle = (value: ReturnType<typeof look>): void => {
          clearTimeout(timer)
          waiting.delete(check)
          resolve(value)
        }
        const check = (): void => {
          const value = look()
          if (value !== undefined) settle(value)
        }
        const timer = setTimeout(() => settle(undefined), ms)
        waiting.add(check)
      })
    },
  }
}
