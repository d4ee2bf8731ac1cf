import type { Draft, Fault } from "../../core/plugin.ts"
import { plainName } from "./filename.ts"
import { removeControls, removeScripts } from "./sanitize.ts"
import { mapTexts, type TextKind } from "./texts.ts"

type Content = Draft["content"]

const LONGEST_TEXT = 65_536

/** Cleans every text of a message, and says in the draft whether that changed one. */
export function createCleaner(sanitize: boolean): (draft: Draft) => Draft {
  const change = (text: string, kind: TextKind): string => {
    const bare = removeControls(text)
    if (kind === "filename") return plainName(bare)
    if (kind === "address") return bare.replace(/[\n\t]/g, "")
    const harmless = sanitize ? removeScripts(bare) : bare
    return kind === "line" ? harmless.replace(/[\n\t]+/g, " ") : harmless
  }
  return (draft) => {
    const content = mapTexts(draft.content, change)
    return content === draft.content ? draft : { ...draft, content, sanitized: true }
  }
}

/** What is wrong with the texts that are left. */
export function textFaults(content: Content): readonly Fault[] {
  if (content.type === "text") return messageFaults(content.text)
  const faults: Fault[] = []
  mapTexts(content, (text, _, path) => {
    if (path === "message") faults.push(...messageFaults(text))
    else if (isBlank(text)) faults.push({ path, code: codeOf(path), message: NOTHING_LEFT })
    return text
  })
  if (content.type === "poll") faults.push(...repeated(content.options))
  return faults
}

const NOTHING_LEFT = "Nothing is left of the text to send"

const isBlank = (text: string): boolean => !/\S/.test(text)

/** Counted as people do; another plugin may have made it longer than it came. */
function messageFaults(text: string): readonly Fault[] {
  const fault = (message: string): Fault[] => [{ path: "message", code: "INVALID_MESSAGE", message }]
  if (isBlank(text)) return fault(NOTHING_LEFT)
  if (text.length <= LONGEST_TEXT || Array.from(text).length <= LONGEST_TEXT) return []
  return fault(`Expected at most ${LONGEST_TEXT} characters`)
}

const codeOf = (path: string): string => (path === "caption" ? "INVALID_MESSAGE" : "VALIDATION_ERROR")

/** Votes name an answer by its text, so that two must not have become one. */
function repeated(options: readonly string[]): readonly Fault[] {
  return options.flatMap((option, index) => {
    if (isBlank(option) || options.indexOf(option) === index) return []
    return [{ path: `options[${index}]`, code: "VALIDATION_ERROR", message: "Every answer can be given once" }]
  })
}
