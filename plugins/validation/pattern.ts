import { RE2JS } from "re2js"

/** Patterns that operators write, run by an engine whose time is linear in the text, whatever the pattern. */

/** Nothing longer is ever looked at: ids and numbers end well before. */
export const LONGEST_LOOKED_AT = 100

/** True when the engine takes the pattern; look-around and back-references it does not. */
export function isPattern(source: string): boolean {
  try {
    RE2JS.compile(source)
    return true
  } catch {
    // Only whether it compiles is asked; the engine's message would repeat the setting.
    return false
  }
}

/** Texts whose verdict is remembered: the same companies and recipients come again and again. */
const REMEMBERED = 1_000

/** Tests texts of up to 100 characters; a longer one does not match. Throws for a source that is no pattern. */
export function compilePattern(source: string): (text: string) => boolean {
  const compiled = RE2JS.compile(source)
  const known = new Map<string, boolean>()
  return (text) => {
    if (text.length > LONGEST_LOOKED_AT) return false
    const before = known.get(text)
    if (before !== undefined) return before
    const verdict = compiled.matcher(text).find()
    if (known.size >= REMEMBERED) known.clear()
    known.set(text, verdict)
    return verdict
  }
}
