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

/**
 * The text without script elements, lone script tags and `javascript:` URLs. What is left when a URL has gone can form a
 * tag, and the other way round, so that it goes on until nothing changes; a text that hides them in more layers than
 * anybody writes by accident is left empty.
 */
export function removeScripts(text: string): string {
  let left = text
  for (let layer = 0; layer < MOST_LAYERS; layer++) {
    const before = left
    left = removeScriptTags(left).replace(SCRIPT_URL, "")
    if (left === before) return left
  }
  return ""
}

const MOST_LAYERS = 20

/**
 * One pass with an output that can be cut back, so that a tag which only comes together when another one inside it is
 * removed (`<scr<script></script>ipt>`) is seen as well. What stands between an opening and a closing tag goes with them.
 */
function removeScriptTags(text: string): string {
  if (!SCRIPT_TAG.test(text)) return text
  const out = new Uint16Array(text.length)
  /** Where the content of open script elements begins in the output. */
  const opened: number[] = []
  let tag: Tag | undefined
  let length = 0
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    out[length++] = unit
    if (tag === undefined && AFTER_NAME.has(unit)) tag = tagAtEnd(out, length)
    if (unit !== GREATER || tag === undefined) continue
    // An opening tag can have stood inside the closing one.
    length = tag.closing ? Math.min(opened.pop() ?? tag.start, tag.start) : tag.start
    while ((opened.at(-1) ?? -1) > length) opened.pop()
    if (!tag.closing) opened.push(length)
    tag = undefined
  }
  return textOf(out.subarray(0, length))
}

interface Tag {
  readonly start: number
  readonly closing: boolean
}

const GREATER = 62
/** What makes `<script` the name of a tag: tab, newline, space, `/` and `>`. */
const AFTER_NAME: ReadonlySet<number> = new Set([9, 10, 32, 47, GREATER])
const LONGEST_START = "</script>".length

function tagAtEnd(out: Uint16Array, length: number): Tag | undefined {
  const end = String.fromCharCode(...out.subarray(Math.max(0, length - LONGEST_START), length - 1))
  const start = /<(\/?)script$/i.exec(end)
  return start === null ? undefined : { start: length - 1 - start[0].length, closing: start[1] === "/" }
}

/** In parts, since a call takes only so many arguments. */
function textOf(units: Uint16Array): string {
  const parts: string[] = []
  for (let at = 0; at < units.length; at += 8_192) parts.push(String.fromCharCode(...units.subarray(at, at + 8_192)))
  return parts.join("")
}
