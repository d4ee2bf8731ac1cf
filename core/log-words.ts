/** What may be repeated of an error in a log: libraries quote their input in messages and carry it as properties. */

const DEPTH = 4
const FRAMES = 20
const CODE = /^[A-Za-z0-9_]{1,64}$/
/** Parsers quote what they could not read. */
const QUOTED = /"[^"]*"/g
/** A login, a query, a fragment: the parts of a URL that hold secrets. */
const IN_URLS = /(?<=:\/\/)[^\s/]*@|(?<=:\/\/[^\s?#]{1,2000})[?#]\S*/g
/** The number in front of `@s.whatsapp.net`, `@lid`, `@g.us`, with its device. */
const JID_USER = /[\d:._-]*\d(?=@)/g
const PHONE = /\+\d[\d ().-]{5,}\d|\d{7,}/g
const TOKEN = /[A-Za-z0-9_=+-]{24,}|(?<![\w./-])[A-Za-z0-9+][A-Za-z0-9+/]{31,}={0,2}/g
const LEFT_OUT = "…"

/** A text of somebody else's without phone numbers, keys, codes and logins, as far as these can be told by their form. */
export function withoutSecrets(text: string): string {
  return (
    text
      .slice(0, 2_000)
      .replace(QUOTED, LEFT_OUT)
      .replace(IN_URLS, LEFT_OUT)
      // Before numbers are: what is left of a key without its digits would look like none.
      .replace(TOKEN, (token) => (isName(token) ? token : LEFT_OUT))
      .replace(JID_USER, LEFT_OUT)
      .replace(PHONE, LEFT_OUT)
  )
}

/** Names of settings and codes are long as well; what is random has digits or both cases. */
const isName = (token: string): boolean =>
  !/\d/.test(token) && (token === token.toUpperCase() || token === token.toLowerCase())

/** An error as it may stand in a log: none of its properties but its code, and of its stack where it happened alone. */
export function errorWords(error: Error, depth = 1): Readonly<Record<string, unknown>> {
  const { code, cause, stack } = error as { readonly code?: unknown } & Error
  const frames = stack?.split("\n").filter((line) => /^\s+at /.test(line))
  return {
    type: isTelling(error.name) ? error.name : "Error",
    message: withoutSecrets(error.message),
    ...((typeof code === "number" || isTelling(code)) && { code }),
    ...(frames !== undefined && { stack: frames.slice(0, FRAMES).join("\n") }),
    ...(cause instanceof Error && depth < DEPTH && { cause: errorWords(cause, depth + 1) }),
  }
}

/** A name or a code of a program's, and nothing that only looks like one. */
const isTelling = (word: unknown): boolean =>
  typeof word === "string" && CODE.test(word) && withoutSecrets(word) === word
