import type { Logger, LogFields, LogLevel } from "../../core/log.ts"

export interface LogLine {
  readonly level: LogLevel
  readonly fields: LogFields
  readonly message: string
}

/** A logger that keeps every line, its children's too. */
export interface TestLog extends Logger {
  readonly lines: LogLine[]
  /** Everything logged, as one text to search for what must not be in it. */
  text(): string
}

export function createTestLog(): TestLog {
  const lines: LogLine[] = []
  const logger = (inherited: LogFields): Logger => {
    const at = (level: LogLevel) => (fields: LogFields, message: string) =>
      void lines.push({ level, fields: { ...inherited, ...fields }, message })
    return {
      level: "trace",
      trace: at("trace"),
      debug: at("debug"),
      info: at("info"),
      warn: at("warn"),
      error: at("error"),
      fatal: at("fatal"),
      child: (fields) => logger({ ...inherited, ...fields }),
    }
  }
  const errors = (_: string, value: unknown): unknown => (value instanceof Error ? `${value.stack}` : value)
  return { ...logger({}), lines, text: () => JSON.stringify(lines, errors) }
}
