import { toError } from "../../errors.ts"
import { isStartError } from "../../settings/start-error.ts"
import { CommandFailure } from "./failure.ts"
import type { Output } from "./output.ts"

/** Says what went wrong, and gives the exit code. */
export function tell(out: Output, thrown: unknown): number {
  if (!(thrown instanceof CommandFailure)) {
    const message = isStartError(thrown) ? thrown.message : `Unexpected: ${toError(thrown).stack ?? String(thrown)}`
    if (out.json) out.result({ error: { message } })
    console.error(message)
    return 1
  }
  const { code, message, details, remedy, exitCode } = thrown
  if (out.json) out.result({ error: { ...(code === undefined ? {} : { code }), message, details, remedy } })
  console.error(code === undefined ? message : `${message} (${code})`)
  for (const detail of details) console.error(`  ${detail}`)
  if (remedy !== undefined) console.error(remedy)
  return exitCode
}
