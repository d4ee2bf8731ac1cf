const BRAND = "switchboard.StartError"

/** Why the start stops: every problem found, each one line that names the setting or part and says what is accepted. */
export class StartError extends Error {
  readonly brand = BRAND
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(["Switchboard cannot start:", ...problems.map((problem) => `  ${problem}`)].join("\n"))
    this.name = "StartError"
    this.problems = problems
  }
}

export function isStartError(value: unknown): value is StartError {
  return typeof value === "object" && value !== null && "brand" in value && value.brand === BRAND
}
