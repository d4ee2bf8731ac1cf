/**
 * Files of Baileys' `useMultiFileAuthState`: `creds.json`, and one for each key, `<type>-<id>.json`, where `/` has become
 * `__` and `:` has become `-`. Seen with Baileys 7.0.0-rc14.
 */
export const CREDS_FILE = "creds.json"

export interface KeyFile {
  readonly type: string
  readonly id: string
}

/** Each type with how its ids look in a file's name. Longer names first, where one begins like another. */
const TYPES: readonly { readonly type: string; readonly id: RegExp; readonly plain?: (id: string) => string }[] = [
  { type: "pre-key", id: /^\d{1,8}$/ },
  { type: "session", id: /^[0-9A-Za-z]+(?:_\d+)?\.\d+$/ },
  { type: "sender-key-memory", id: /^[0-9-]+@[a-z.]+$/ },
  // The parts of the id are set apart by `::`; the id of an old group has a `-` of its own.
  { type: "sender-key", id: /^.+@[a-z.]+--.+--\d+$/, plain: (id) => id.replace(/^(.+)--(.+)--(\d+)$/, "$1::$2::$3") },
  // Base64, which has no `_`.
  { type: "app-state-sync-key", id: /^[A-Za-z0-9+_=]+$/, plain: (id) => id.replaceAll("__", "/") },
  { type: "app-state-sync-version", id: /^[a-z_]+$/ },
  { type: "lid-mapping", id: /^\d+(?:_reverse)?$/ },
  { type: "device-list", id: /^\d+$/ },
  { type: "identity-key", id: /^[0-9A-Za-z]+(?:_\d+)?\.\d+$/ },
  { type: "tctoken", id: /^(?:__index|[0-9A-Za-z_.-]+@[a-z.]+)$/ },
]

/** What a file's name stands for; undefined for a file that Baileys does not write. */
export function readName(name: string): KeyFile | undefined {
  const known = TYPES.find(({ type, id }) => name.startsWith(`${type}-`) && id.test(idIn(name, type)))
  if (known === undefined) return undefined
  const id = idIn(name, known.type)
  return { type: known.type, id: known.plain?.(id) ?? id }
}

function idIn(name: string, type: string): string {
  return name.endsWith(".json") ? name.slice(type.length + 1, -".json".length) : ""
}

/** JSON whose bytes stand as `{ type: "Buffer", data }`, or, from old versions, as objects with numbers for names. */
export function parseFile(bytes: Uint8Array): unknown {
  return reviveText(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
}

export function reviveText(text: string): unknown {
  return JSON.parse(text, (_key, value: unknown) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value
    if ("type" in value && value.type === "Buffer" && "data" in value) return bufferOf(value.data) ?? value
    const places = Object.keys(value)
    const values: unknown[] = Object.values(value)
    if (places.length === 0 || !places.every((place) => /^\d+$/.test(place))) return value
    return bufferOf(values) ?? value
  })
}

function bufferOf(data: unknown): Buffer | undefined {
  if (typeof data === "string") return Buffer.from(data, "base64")
  const bytes = Array.isArray(data) && data.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
  return bytes ? Buffer.from(data) : undefined
}
