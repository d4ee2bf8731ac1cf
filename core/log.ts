import type { KnownFields } from "./log-fields.ts"

/** What the house logs with: constant sentences, and fields of a list (`log-fields.ts`); see `createSafeLog`. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal"

interface LogOf<Fields> {
  readonly level: LogLevel | "silent"
  trace(fields: Fields, message: string): void
  debug(fields: Fields, message: string): void
  info(fields: Fields, message: string): void
  warn(fields: Fields, message: string): void
  error(fields: Fields, message: string): void
  fatal(fields: Fields, message: string): void
  child(fields: Fields): LogOf<Fields>
}

export type Logger = LogOf<KnownFields>

export type LogFields = Readonly<Record<string, unknown>>

/**
 * A plugin may have fields of its own beside those of the list: numbers of up to six digits, booleans and codes such as
 * `ERR_TIMEOUT` come out, errors as words and places, and anything else as `…`.
 */
export type PluginLogger = LogOf<LogFields>

export const LOG_LEVELS: readonly LogLevel[] = ["trace", "debug", "info", "warn", "error", "fatal"]

/** Whether lines of this level come out: where each message has some, what they are made of is not made for nothing. */
export function logsAt(log: Pick<Logger, "level">, level: LogLevel): boolean {
  return log.level !== "silent" && LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(log.level)
}
