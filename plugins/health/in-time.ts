import type { Clock } from "../../core/plugin.ts"

/** What the task gives; rejects when it is not there after `ms`, and it then goes on unheard. */
export function inTime<T>(clock: Pick<Clock, "after">, ms: number, task: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(new Error(`No answer within ${ms} ms`)))
    task.then(resolve, reject).finally(() => timer.cancel())
  })
}
