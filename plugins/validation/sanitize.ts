/** What is taken out of a text before it is sent and stored. Every step takes time linear in the text. */

/** Control characters other than newline and tab. */
const CONTROL = /[^\P{Cc}\n\t]/gu
/** Half of a character: WhatsApp's encoding cannot carry it, so what is stored would differ from what was sent. */
const LONE_SURROGATE = /\p{Cs}/gu
/** The scheme, also with the line breaks and tabs that browsers skip, and what is attached to it. */
const SCRIPT_URL = new RegExp(`${Array.from("javascript").join("[\\n\\t]*")}\\s*:[^\\s"'<>]*`, "gi")
/** No tag can come together before one has been removed that is whole from the start. */
const SCRIPT_TAG = /<\/?script[\s/>]/i

/** The text without control characters and half characters. */
export function removeControls(text: string): string {
  return text.replace(CONTROL, "").replace(LONE_SURROGATE, "\uFFFD")
}

/** The text without script elements, lone script tags and `javascript:` URLs. */
export function removeScripts(text: string): string {
  return removeScriptTags(text).replace(SCRIPT_URL, "")
}

/**
 * One pass with an output that can be cut back, so that a tag which only comes together when another one inside it is
 * removed (`<scr<script></script>ipt>`) is seen as well. What stands between an opening and a closing tag goes with them.
 */
function removeScriptTags(text: string): string {
  if (!SCRIPT_TAG.test(text)) return text
  const out = new Uint16Array(text.length)
  const brackets: number[] = []
  const opened: number[] = []
  let length = 0
  const cut = (to: number): void => {
    length = to
    while ((brackets.at(-1) ?? -1) >= to) brackets.pop()
    while ((opened.at(-1) ?? -1) > to) opened.pop()
  }
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    out[length++] = unit
    if (unit === LESS) brackets.push(length - 1)
    if (unit !== GREATER) continue
    const start = brackets.pop()
    const tag = start === undefined ? undefined : tagAt(out.subarray(start, Math.min(length, start + LONGEST_TAG)))
    if (start === undefined || tag === undefined) continue
    if (tag === "opening") {
      cut(start)
      opened.push(start)
    } else cut(opened.pop() ?? start)
  }
  return textOf(out.subarray(0, length))
}

const LESS = 60
const GREATER = 62
/** As much of a tag as tells what it is. */
const LONGEST_TAG = "</script>".length

function tagAt(units: Uint16Array): "opening" | "closing" | undefined {
  const tag = /^<(\/?)script[\s/>]/i.exec(textOf(units))
  if (tag === null) return undefined
  return tag[1] === "" ? "opening" : "closing"
}

/** In parts, since a call takes only so many arguments. */
function textOf(units: Uint16Array): string {
  const parts: string[] = []
  for (let at = 0; at < units.length; at += 8_192) parts.push(String.fromCharCode(...units.subarray(at, at + 8_192)))
  return parts.join("")
}
