import type { PluginContext } from "../../core/plugin.ts"

type Clock = PluginContext<unknown, string>["clock"]

/** What the task gives, or undefined when it is not there after `ms`; it then goes on unheard. */
export async function inTime<T>(clock: Clock, ms: number, task: Promise<T>): Promise<T | undefined> {
  let timer = { cancel: (): void => undefined }
  const late = new Promise<undefined>((resolve) => {
    timer = clock.after(ms, () => resolve(undefined))
  })
  // Its failure after the time is over is nobody's any more.
  task.catch(() => undefined)
  try {
    return await Promise.race([task, late])
  } finally {
    timer.cancel()
  }
}
