/** Names of files that are sent along: they end up in somebody's folder. */

/** Writes what follows it from right to left, so that `gpj.exe` reads as `exe.jpg`, and its kind. */
const DIRECTION = /[\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]/gu

/**
 * The last part of a path, without marks of writing direction, surrounding blanks, and the dots at its end that some
 * systems drop. Empty when no name is left.
 */
export function plainName(name: string): string {
  const last = name.slice(Math.max(name.lastIndexOf("/"), name.lastIndexOf("\\")) + 1)
  const bare = last
    .replace(DIRECTION, "")
    .replace(/[\n\t]/g, " ")
    .trim()
  let end = bare.length
  while (end > 0 && (bare[end - 1] === "." || bare[end - 1] === " ")) end--
  return bare.slice(0, end)
}
