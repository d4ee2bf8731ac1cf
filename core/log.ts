/** What the house logs with. Fields are allow-listed by their call sites: no phones, texts, keys, QR texts or codes. */
export type LogLevel = "trace" | "debug" | "info" | "warn" | "error" | "fatal"

export interface Logger {
  readonly level: LogLevel | "silent"
  trace(fields: LogFields, message: string): void
  debug(fields: LogFields, message: string): void
  info(fields: LogFields, message: string): void
  warn(fields: LogFields, message: string): void
  error(fields: LogFields, message: string): void
  fatal(fields: LogFields, message: string): void
  child(fields: LogFields): Logger
}

export type LogFields = Readonly<Record<string, unknown>>
