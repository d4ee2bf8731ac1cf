/** Lets callers wait until something they can see has come true. */
export interface Watch {
  /** Says that something changed. Cheap when nobody waits; many changes in one turn are looked at once. */
  changed(): void
  /** Gives what `look` gives as soon as that is not undefined; undefined after `ms`. */
  until<T>(look: () => T | undefined, ms: number): Promise<T | undefined>
}

export function createWatch(): Watch {
  const waiting = new Set<() => void>()
  let scheduled = false

  return {
    changed() {
      if (waiting.size === 0 || scheduled) return
      scheduled = true
      setImmediate(() => {
        scheduled = false
        for (const check of [...waiting]) check()
      })
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
