import { toError } from "./errors.ts"
import { errorWords, withoutSecrets } from "./log-words.ts"
import type { LogFields, Logger, LogLevel } from "./log.ts"

/** Fields that hold words of an error. */
const WORDS: ReadonlySet<string> = new Set(["error", "reason", "detail", "cause"])
const LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"]

/**
 * The log behind one last filter: call sites choose their fields, but what a library says in an error is nobody's choice.
 * Errors come out as words and places, without properties such as the arguments of the Redis command that failed.
 */
export function createSafeLog(log: Logger): Logger {
  const lowest = log.level === "silent" ? LEVELS.length : LEVELS.indexOf(log.level)
  const at = (level: LogLevel): Logger["info"] =>
    LEVELS.indexOf(level) < lowest ? () => undefined : (fields, message) => log[level](safe(fields), message)
  return {
    level: log.level,
    trace: at("trace"),
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    fatal: at("fatal"),
    child: (fields) => createSafeLog(log.child(safe(fields))),
  }
}

function safe(fields: LogFields): LogFields {
  let changed: Record<string, unknown> | undefined
  for (const key of Object.keys(fields)) {
    const value = fields[key]
    if (value instanceof Error) (changed ??= { ...fields })[key] = errorWords(value)
    else if (typeof value === "string" && WORDS.has(key)) (changed ??= { ...fields })[key] = withoutSecrets(value)
    // Whatever a library throws that is no error.
    else if (key === "error" && typeof value === "object" && value !== null)
      (changed ??= { ...fields })[key] = errorWords(toError(value))
  }
  return changed ?? fields
}
