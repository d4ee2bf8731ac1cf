import type { ILogger } from "@whiskeysockets/baileys/lib/Utils/logger.js"
import type { LogFields, Logger } from "../../../core/log.ts"

/** Plain numbers and words that say nothing about anybody. */
const HARMLESS = ["count", "retryCount", "deviceCount", "dbQueries", "statusCode", "bufferCount"] as const
/** Stricter than for words of our own: whatever could be part of a number or a key goes. */
const LONG_NUMBER = /\d{5,}/g
const SECRET_LOOKING = /[A-Za-z0-9+/_=-]{24,}/g

export const silentLibraryLog: ILogger = {
  level: "silent",
  child: () => silentLibraryLog,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/**
 * The library's own log. It hands whole stanzas, registrations and session records to its logger, so only its sentences go
 * on, with numbers and whatever could be a key blanked, and a few harmless fields.
 */
export function createLibraryLog(log: Logger): ILogger {
  const speak = (write: (fields: LogFields, message: string) => void) => (fields: unknown, message?: string) => {
    const said = typeof fields === "string" ? fields : (message ?? "")
    write(harmless(fields), blank(said))
  }
  const library: ILogger = {
    // Never "trace": at that level Baileys writes out every stanza.
    level: "debug",
    child: () => library,
    trace: () => undefined,
    debug: speak((fields, message) => log.debug(fields, message)),
    info: speak((fields, message) => log.info(fields, message)),
    warn: speak((fields, message) => log.warn(fields, message)),
    error: speak((fields, message) => log.error(fields, message)),
  }
  return library
}

function harmless(fields: unknown): LogFields {
  if (typeof fields !== "object" || fields === null) return {}
  const found: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(fields)) {
    if ((key === "err" || key === "error") && value instanceof Error) found["error"] = blank(value.message)
    else if (HARMLESS.some((name) => name === key) && typeof value === "number") found[key] = value
  }
  return found
}

/** A sentence of the library's without numbers and whatever could be a key. */
export function blank(text: string): string {
  return text.replace(SECRET_LOOKING, "…").replace(LONG_NUMBER, "…")
}
