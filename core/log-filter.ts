import { toError } from "./errors.ts"
import type { LogFields } from "./log.ts"
import { LOG_FIELDS, type LogFieldKind } from "./log-fields.ts"
import { errorWords, withoutSecrets } from "./log-words.ts"

/** What of a line's fields may come out: those of the list if they are what the list says, of others what tells nothing. */

const LEFT_OUT = "…"
const MOST_ID = 200
/** Without so many digits that they could be a phone's. */
const NAME = /^(?!(?:\D*\d){7})[\w .,:/{}()@-]{1,100}$/
const CODE = /^(?!(?:\D*\d){7})[\w.:-]{1,64}$/
/** As programs write codes, and people nothing: `RATE_LIMIT_EXCEEDED`, `HTTP_503`. */
const SHORT_CODE = /^[A-Z]+(?:_(?:[A-Z]+|\d{1,4}))+$/
const MOST_CODE = 40
const FOREIGN_NAME = /^[A-Za-z][A-Za-z_]{0,39}\d{0,2}$/
const MOST_FOREIGN_NUMBER = 999_999

const kinds: ReadonlyMap<string, LogFieldKind> = new Map(Object.entries(LOG_FIELDS))

/** The fields themselves where nothing is to be changed, which is the usual case. */
export function safeFields(fields: LogFields): LogFields {
  let changed: Record<string, unknown> | undefined
  for (const name of Object.keys(fields)) {
    const value = fields[name]
    if (value === undefined) continue
    const kind = kinds.get(name)
    const safe = kind === undefined ? ofForeign(value) : ofKind[kind](value)
    const shown = kind !== undefined || FOREIGN_NAME.test(name)
    if (safe === value && shown) continue
    changed ??= { ...fields }
    if (shown) changed[name] = safe
    // The name of a field can be what must not be said as well.
    else delete changed[name]
  }
  return changed ?? fields
}

/**
 * Constant sentences of the house pass as they are, and what others say without its secrets. `seen` remembers what comes
 * over and over.
 */
export function createSafeText(most: number): (text: string) => string {
  const seen = new Map<string, string>()
  return (text) => {
    const known = seen.get(text)
    if (known !== undefined) return known
    const safe = withoutSecrets(text)
    if (seen.size >= most) seen.clear()
    seen.set(text, safe)
    return safe
  }
}

const text = (value: unknown, pattern: RegExp): unknown =>
  typeof value === "string" && pattern.test(value) ? value : LEFT_OUT

const ofKind: Readonly<Record<LogFieldKind, (value: unknown) => unknown>> = {
  id: (value) => (typeof value === "string" && value.length <= MOST_ID ? value : LEFT_OUT),
  name: (value) => text(value, NAME),
  code: (value) => (isCount(value, MOST_FOREIGN_NUMBER) ? value : text(value, CODE)),
  count: (value) => (typeof value === "number" ? value : LEFT_OUT),
  flag: (value) => (typeof value === "boolean" ? value : LEFT_OUT),
  url: (value) => (typeof value === "string" ? withoutSecrets(value) : LEFT_OUT),
  words: wordsOf,
}

/** Of whatever a library throws that is no error, no more than what it is. */
function wordsOf(value: unknown): unknown {
  if (typeof value === "string") return withoutSecrets(value)
  if (value instanceof Error) return errorWords(value)
  return typeof value === "object" && value !== null ? errorWords(toError(value)) : LEFT_OUT
}

function ofForeign(value: unknown): unknown {
  if (typeof value === "boolean" || value === null || isCount(value, MOST_FOREIGN_NUMBER)) return value
  if (value instanceof Error) return errorWords(value)
  return typeof value === "string" && value.length <= MOST_CODE && SHORT_CODE.test(value) ? value : LEFT_OUT
}

const isCount = (value: unknown, most: number): boolean => typeof value === "number" && Math.abs(value) <= most
