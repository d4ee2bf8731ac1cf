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

/** Tests texts of up to 100 characters; a longer one does not match. Throws for a source that is no pattern. */
export function compilePattern(source: string): (text: string) => boolean {
  const compiled = RE2JS.compile(source)
  return (text) => text.length <= LONGEST_LOOKED_AT && compiled.matcher(text).find()
}
