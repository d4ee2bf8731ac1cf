import { linkedOnce, type Stage } from "./stage.ts"

export interface RestartFigures {
  /** From the start of the new process to the login of each line, as WhatsApp saw it, ms, ascending. */
  readonly backMs: readonly number[]
  readonly p50: number
  readonly max: number
}

const BACK_MS = 30_000

/** kill -9, a new process, and how long each line takes to be back. */
export async function runRestart(stage: Stage): Promise<RestartFigures> {
  const before = await Promise.all(stage.companies.map(({ line }) => line.view()))
  await stage.platform.kill()
  const begun = Date.now()
  await stage.start()
  const views = await Promise.all(
    stage.companies.map(({ line }, i) =>
      line.waitFor({ connected: true, loginsAccepted: (before[i]?.loginsAccepted ?? 0) + 1 }, BACK_MS),
    ),
  )
  await linkedOnce(stage)
  const backMs = views.map(({ logins }) => (logins.at(-1)?.at ?? 0) - begun).sort((a, b) => a - b)
  return { backMs, p50: backMs[Math.floor(backMs.length / 2)] ?? 0, max: backMs.at(-1) ?? 0 }
}
