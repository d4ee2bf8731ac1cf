import type { Clock } from "./clock.ts"
import { createSafeText, safeFields } from "./log-filter.ts"
import { LOG_LEVELS, type LogFields, type Logger, logsAt } from "./log.ts"
import { createStorms } from "./log-storms.ts"

export interface SafeLog {
  readonly log: Logger
  /** Writes the counts that are still to be told. What is logged afterwards comes out as it comes. */
  close(): void
}

const SENTENCES = 1_000

/**
 * The log behind one last filter. Of each line's fields those of the list come out, errors as words and places without
 * properties such as the arguments of the Redis command that failed; call sites choose their fields, but what a library says
 * in an error is nobody's choice. And a thousand equal lines come out as one with a count.
 */
export function createSafeLog(log: Logger, clock: Clock): SafeLog {
  const safeText = createSafeText(SENTENCES)
  const storms = createStorms({ clock, write: (level, fields, sentence) => log[level](fields, sentence) })

  const filter = (inner: Logger, bound: LogFields): Logger => {
    const [trace, debug, info, warn, error, fatal] = LOG_LEVELS.map((level): Logger["info"] => {
      if (!logsAt(inner, level)) return () => undefined
      // Whoever asks for these wants each of them.
      if (level === "trace" || level === "debug")
        return (fields, sentence) => inner[level](safeFields(fields), safeText(sentence))
      return (fields, sentence) => {
        const safe = safeFields(fields)
        const said = safeText(sentence)
        if (storms.passes(level, bound, safe, said)) inner[level](safe, said)
      }
    }) as [Logger["info"], Logger["info"], Logger["info"], Logger["info"], Logger["info"], Logger["info"]]
    return {
      level: inner.level,
      ...{ trace, debug, info, warn, error, fatal },
      child(fields) {
        const safe = safeFields(fields)
        return filter(inner.child(safe), { ...bound, ...safe })
      },
    }
  }

  return { log: filter(log, {}), close: storms.close }
}
