import { toError } from "../errors.ts"

const BRAND = "switchboard.StartError"

/** Why the start stops: every problem found, each one line that names the setting or part and says what is accepted. */
export class StartError extends Error {
  readonly brand = BRAND
  readonly problems: readonly string[]
  /** The data folder belongs to another process: whatever is wanted, that one has to do it. */
  readonly folderInUse: boolean

  constructor(problems: readonly string[], cause?: unknown, folderInUse = false) {
    const listed = problems.length === 1 ? ` ${problems[0]}` : problems.map((problem) => `\n  ${problem}`).join("")
    super(`Switchboard cannot start:${listed}`, { cause })
    this.name = "StartError"
    this.problems = problems
    this.folderInUse = folderInUse
  }
}

export function isStartError(value: unknown): value is StartError {
  return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND
}

/** Runs a step of the start; its failure is said with the step's name in front, once. */
export async function startStep<T>(failure: string, step: () => T | Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (thrown) {
    if (isStartError(thrown)) throw thrown
    const { message } = toError(thrown)
    throw new StartError([message.startsWith(failure) ? message : `${failure}: ${message}`], thrown)
  }
}
