import { appError } from "../errors.ts"
import type { DumpedRecord } from "../ledger.ts"
import type { AuthBatch } from "../store.ts"
import type { Digest } from "../system.ts"
import { EXPORT_FORMAT, EXPORT_VERSION, recordOf } from "./export-format.ts"
import { fromBase64 } from "./json-values.ts"

/** An export that has been read from its first byte to its last, and is whole. */
export interface ExportFile {
  readonly companyId: string
  readonly provider: string
  readonly credentials: boolean
  readonly auth: AuthBatch
  readonly counts: Readonly<Record<string, number>>
  /** Everything but the auth state, line by line. */
  records(): Iterable<DumpedRecord>
}

const NEWLINE = 0x0a
/** Lines from one pause to the next. */
const AT_ONCE = 1_000
const decoder = new TextDecoder("utf-8", { fatal: true })

type Line = Readonly<Record<string, unknown>>

/**
 * Throws VALIDATION_ERROR for bytes that are no export of ours, or not all of one. `pause` is awaited now and then: a
 * large export takes seconds, and lines have to be kept alive meanwhile.
 */
export async function readExport(
  bytes: Uint8Array,
  openSha256: () => Digest,
  pause: () => Promise<void>,
): Promise<ExportFile> {
  const header = lineAt(bytes, 0)
  if (header?.line["kind"] !== "header" || header.line["format"] !== EXPORT_FORMAT) {
    throw refusal("This is no export: the first line is no header")
  }
  const { version, companyId, provider, credentials } = header.line
  if (version !== EXPORT_VERSION) throw refusal(`An export of version ${String(version)} cannot be read here`)
  if (typeof companyId !== "string" || typeof provider !== "string") throw refusal("The header says too little")
  const auth = Object.create(null) as Record<string, Record<string, Uint8Array>>
  const digest = openSha256()
  const counts: Record<string, number> = {}
  let lines = 0
  let ended = false
  for (const { line, from, to } of linesOf(bytes)) {
    if (ended) throw refusal("Something stands behind the last line")
    if (line["kind"] === "end") {
      if (line["sha256"] !== hex(digest.digest()) || line["lines"] !== lines) {
        throw refusal("The export has been changed: its digest does not fit")
      }
      ended = true
      continue
    }
    digest.update(bytes.subarray(from, to))
    lines++
    if (lines % AT_ONCE === 0) await pause()
    if (line["kind"] === "auth") keepAuth(auth, line, lines)
    else if (lines > 1) count(counts, checkedRecord(line, lines))
  }
  if (!ended) throw refusal("The export is cut off: its last line is missing")
  return {
    companyId,
    provider,
    credentials: credentials === true,
    auth,
    counts,
    *records() {
      let number = 0
      for (const { line } of linesOf(bytes)) {
        number++
        const { kind } = line
        if (kind === "row" || kind === "log" || kind === "number") yield checkedRecord(line, number)
      }
    },
  }
}

function* linesOf(bytes: Uint8Array): Generator<{ readonly line: Line; readonly from: number; readonly to: number }> {
  for (let from = 0; from < bytes.length; ) {
    const found = lineAt(bytes, from)
    if (found === undefined) throw refusal("The export is cut off in the middle of a line")
    yield { line: found.line, from, to: found.to }
    from = found.to
  }
}

function lineAt(bytes: Uint8Array, from: number): { readonly line: Line; readonly to: number } | undefined {
  const end = bytes.indexOf(NEWLINE, from)
  if (end < 0) return undefined
  try {
    const line: unknown = JSON.parse(decoder.decode(bytes.subarray(from, end)))
    if (typeof line === "object" && line !== null) return { line: { ...line }, to: end + 1 }
  } catch {
    // The parser's message quotes the line, which may hold a phone number or a text.
  }
  throw refusal("A line of the export is no JSON object")
}

function checkedRecord(line: Line, number: number): DumpedRecord {
  try {
    return recordOf(line)
  } catch (thrown) {
    throw refusal(`Line ${number}: ${thrown instanceof TypeError ? thrown.message : "it cannot be read"}`)
  }
}

function keepAuth(auth: Record<string, Record<string, Uint8Array>>, line: Line, number: number): void {
  const { type, id, bytes } = line
  if (typeof type !== "string" || typeof id !== "string") throw refusal(`Line ${number}: it names no record`)
  try {
    const records = (auth[type] ??= Object.create(null) as Record<string, Uint8Array>)
    records[id] = fromBase64(bytes)
  } catch {
    throw refusal(`Line ${number}: its bytes are not written in base64`)
  }
}

function count(counts: Record<string, number>, { kind, table }: DumpedRecord): void {
  const name = `${kind} ${table}`
  counts[name] = (counts[name] ?? 0) + 1
}

function refusal(message: string): Error {
  return appError("VALIDATION_ERROR", { message, details: [{ path: "", code: "VALIDATION_ERROR", message }] })
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
