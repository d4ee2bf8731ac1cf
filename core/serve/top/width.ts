/** Text on a terminal: what it may hold, and how many columns it takes. */

/** Nothing that a terminal would obey, and nothing that turns or hides what stands beside it. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu
const MARK = /\p{Mn}|\p{Me}/u
/** Characters that take two columns: East Asian Wide and Fullwidth of Unicode's UAX #11, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{17000}-\u{18dff}\u{1b000}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u

const ASCII = /^[\x20-\x7e]*$/

/** Fit for a terminal: a stand-in for everything that is no visible sign. */
export function safe(text: string): string {
  return ASCII.test(text) ? text : text.replaceAll(UNSAFE, "\ufffd")
}

export function widthOf(text: string): number {
  if (ASCII.test(text)) return text.length
  let width = 0
  for (const sign of text) width += signWidth(sign)
  return width
}

/** At most so many columns; what had to be cut ends with `…`. */
export function cut(text: string, columns: number): string {
  if (widthOf(text) <= columns) return text
  if (columns <= 0) return ""
  let kept = ""
  let left = columns - 1
  for (const sign of text) {
    left -= signWidth(sign)
    if (left < 0) break
    kept += sign
  }
  return `${kept}…`
}

/** Exactly so many columns. */
export function fit(text: string, columns: number, side: "left" | "right" = "left"): string {
  const short = cut(text, columns)
  const space = " ".repeat(Math.max(0, columns - widthOf(short)))
  return side === "left" ? `${short}${space}` : `${space}${short}`
}

function signWidth(sign: string): number {
  if (MARK.test(sign)) return 0
  return WIDE.test(sign) ? 2 : 1
}
