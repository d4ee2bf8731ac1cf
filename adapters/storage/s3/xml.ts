import { XMLParser } from "fast-xml-parser"

/** The few documents of S3 that are read here. Whatever is not of the expected form gives `undefined`. */

export interface ListedObject {
  readonly key: string
  readonly size: number
  /** Milliseconds since the epoch, by the server's clock. */
  readonly modified: number
}

export interface ListedPage {
  readonly objects: readonly ListedObject[]
  readonly folders: readonly string[]
  /** Of the next page. */
  readonly token: string | undefined
}

const LISTS = new Set(["Contents", "CommonPrefixes", "Error"])

function parse(body: Uint8Array): Record<string, unknown> {
  // Each ETag of a page has two entities: a bound that is meant for documents from strangers would refuse full pages.
  const parser = new XMLParser({
    ignoreAttributes: true,
    parseTagValue: false,
    trimValues: false,
    htmlEntities: true,
    processEntities: { enabled: true, maxTotalExpansions: Infinity, maxExpandedLength: Infinity },
    isArray: (name) => LISTS.has(name),
  })
  try {
    return recordOf(parser.parse(new TextDecoder().decode(body)))
  } catch {
    // A body that is no XML: a proxy's page, or half a document.
    return {}
  }
}

/** Code of an error document, which goes into messages: letters only. */
export function errorCode(body: Uint8Array): string | undefined {
  const [error] = listOf(parse(body)["Error"])
  const code = textOf(error?.["Code"])
  return code !== undefined && /^[A-Za-z]{1,64}$/.test(code) ? code : undefined
}

export function parseList(body: Uint8Array): ListedPage | undefined {
  const document = parse(body)
  if (!("ListBucketResult" in document)) return undefined
  const result = recordOf(document["ListBucketResult"])
  const truncated = textOf(result["IsTruncated"])
  const token = textOf(result["NextContinuationToken"])
  if (truncated !== "true" && truncated !== "false") return undefined
  if (truncated === "true" && (token === undefined || token === "")) return undefined
  const plain = (text: string): string => (textOf(result["EncodingType"]) === "url" ? unescape(text) : text)
  const objects: ListedObject[] = []
  for (const entry of listOf(result["Contents"])) {
    const key = textOf(entry["Key"])
    if (key === undefined) return undefined
    objects.push({
      key: plain(key),
      size: Number(textOf(entry["Size"])),
      modified: Date.parse(textOf(entry["LastModified"]) ?? ""),
    })
  }
  const folders = listOf(result["CommonPrefixes"]).map((entry) => plain(textOf(entry["Prefix"]) ?? ""))
  return { objects, folders, token: truncated === "true" ? token : undefined }
}

/** Codes of what could not be deleted; undefined when this is no answer to a deletion. */
export function parseDeleted(body: Uint8Array): readonly string[] | undefined {
  const document = parse(body)
  if (!("DeleteResult" in document)) return undefined
  return listOf(recordOf(document["DeleteResult"])["Error"]).map((entry) => textOf(entry["Code"]) ?? "unknown")
}

/** True when the bucket keeps old versions. */
export function parseVersioning(body: Uint8Array): boolean {
  return textOf(recordOf(parse(body)["VersioningConfiguration"])["Status"]) === "Enabled"
}

export function deleteDocument(keys: readonly string[]): string {
  const objects = keys.map((key) => `<Object><Key>${escape(key)}</Key></Object>`).join("")
  return `<?xml version="1.0" encoding="UTF-8"?><Delete><Quiet>true</Quiet>${objects}</Delete>`
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;" }

function escape(text: string): string {
  return text.replace(/[&<>]/g, (char) => ESCAPES[char] ?? char)
}

function unescape(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "))
  } catch {
    // Not encoded after all.
    return text
  }
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

function listOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : []
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined
}
