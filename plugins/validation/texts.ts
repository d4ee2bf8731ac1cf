import type { Draft } from "../../core/plugin.ts"

type Content = Draft["content"]

/** What a text of a message is: `line` has no line breaks, `address` is read by programs, `filename` names a file. */
export type TextKind = "text" | "line" | "address" | "filename"

/** Changes a text; the same text when nothing is to be changed. */
export type TextChange = (text: string, kind: TextKind, path: string) => string

/** Every text of a message, with the path of its field, through `change`. The same content when nothing changed. */
export function mapTexts(content: Content, change: TextChange): Content {
  if (content.type === "text" || content.type === "edit")
    return withChanges(content, { text: change(content.text, "text", "message") })
  if ("media" in content)
    return withChanges(content, {
      ...changed("caption", content.caption, "text", "caption", change),
      ...changed("filename", content.filename, "filename", "filename", change),
    })
  if (content.type === "location")
    return withChanges(content, {
      ...changed("name", content.name, "line", "name", change),
      ...changed("address", content.address, "text", "address", change),
    })
  if (content.type === "contact")
    return withChanges(content, { contacts: mapList(content.contacts, (card, at) => mapCard(card, at, change)) })
  if (content.type === "poll")
    return withChanges(content, {
      name: change(content.name, "text", "name"),
      options: mapList(content.options, (option, at) => change(option, "line", `options[${at}]`)),
    })
  return content
}

type Card = Extract<Content, { type: "contact" }>["contacts"][number]

function mapCard(card: Card, index: number, change: TextChange): Card {
  const at = `contacts[${index}]`
  return withChanges(card, {
    fullName: change(card.fullName, "line", `${at}.fullName`),
    ...changed("organization", card.organization, "line", `${at}.organization`, change),
    ...changed("email", card.email, "address", `${at}.email`, change),
    ...changed("url", card.url, "address", `${at}.url`, change),
  })
}

/** A list of the same items is the same list. */
function mapList<T>(list: readonly T[], change: (item: T, index: number) => T): readonly T[] {
  const next = list.map(change)
  return next.every((item, index) => item === list[index]) ? list : next
}

function changed<N extends string>(
  name: N,
  text: string | undefined,
  kind: TextKind,
  path: string,
  change: TextChange,
): { readonly [K in N]?: string } {
  // One key of the name given.
  return text === undefined ? {} : ({ [name]: change(text, kind, path) } as { [K in N]?: string })
}

function withChanges<T extends object>(value: T, changes: Partial<T>): T {
  const names = Object.keys(changes) as (keyof T)[]
  return names.every((name) => changes[name] === value[name]) ? value : { ...value, ...changes }
}
