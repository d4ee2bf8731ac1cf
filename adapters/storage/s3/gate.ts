/** Many may be inside at once, or one alone. Whoever wants to be alone waits for those inside and holds back the others. */
export interface Gate {
  shared<T>(work: () => Promise<T>): Promise<T>
  alone<T>(work: () => Promise<T>): Promise<T>
}

export function createGate(): Gate {
  let inside = 0
  let empty: (() => void) | undefined
  /** Resolves when the last of those who want to be alone has gone. */
  let closed: Promise<unknown> | undefined

  return {
    async shared(work) {
      while (closed !== undefined) await closed
      inside++
      try {
        return await work()
      } finally {
        inside--
        if (inside === 0) empty?.()
      }
    },

    async alone(work) {
      const before = closed
      const turn = (async () => {
        await before
        if (inside > 0) {
          await new Promise<void>((resolve) => {
            empty = resolve
          })
          empty = undefined
        }
        return work()
      })()
      // Those who wait do not care how it ended.
      const mine = turn.catch(() => undefined)
      closed = mine
      try {
        return await turn
      } finally {
        if (closed === mine) closed = undefined
      }
    },
  }
}
