import type { Clock } from "../clock.ts"
import { appError, toError } from "../errors.ts"
import type { Events } from "../events.ts"
import type { DumpedRecord, Ledger } from "../ledger.ts"
import type { Logger } from "../log.ts"
import { isSecretTable } from "../records/ledger/names.ts"
import { withoutSecrets } from "../line/company-row.ts"
import type { AuthRecord } from "../records/auth-records.ts"
import type { Digest } from "../system.ts"
import type { Call } from "../types.ts"
import { type AuthLine, EXPORT_FORMAT, EXPORT_VERSION, type HeaderLine, recordLine } from "./export-format.ts"
import { toBase64 } from "./json-values.ts"

/** Everything the house has of a company, as a stream of JSON lines. */
export interface Exporter {
  /**
   * The stream begins once the event log has noted it, and reads on only as fast as it is taken. It breaks off, without
   * its last line, when the storage fails. Rejects with STORAGE_UNAVAILABLE.
   */
  open(call: Call, options: { readonly credentials: boolean }): Promise<ReadableStream<Uint8Array<ArrayBuffer>>>
}

export interface ExporterDeps {
  readonly ledger: Ledger
  readonly events: Events
  readonly clock: Clock
  readonly log: Logger
  readonly openSha256: () => Digest
  /** Another number than before: what has been read since may be half of a company that was erased meanwhile. */
  generation(company: string): number
  /** The provider and the store of a company. */
  naming(company: string): Promise<{ readonly provider: string; readonly storage: string }>
  /** All of a company's auth state, as it is at one moment. */
  authRecords(company: string): Promise<readonly AuthRecord[]>
}

/** Records read at a time: what an export holds in memory. */
const PAGE = 200
const encoder = new TextEncoder()

export function createExporter(deps: ExporterDeps): Exporter {
  const { ledger, events, clock, log } = deps

  async function* pages(company: string): AsyncGenerator<readonly DumpedRecord[]> {
    for (let after: string | undefined; ; ) {
      const { records, next } = await ledger.dump(company, after, PAGE)
      yield records
      if (next === null) return
      after = next
    }
  }

  async function* chunks(header: HeaderLine, auth: readonly AuthRecord[]): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    const digest = deps.openSha256()
    const generation = deps.generation(header.companyId)
    const counts: Record<string, number> = {}
    let lines = 0
    const write = (some: readonly object[]): Uint8Array<ArrayBuffer> => {
      lines += some.length
      const bytes = encoder.encode(some.map((line) => `${JSON.stringify(line)}\n`).join(""))
      digest.update(bytes)
      return bytes
    }
    const count = (name: string): void => {
      counts[name] = (counts[name] ?? 0) + 1
    }
    yield write([header])
    for (let at = 0; at < auth.length; at += PAGE) {
      const some = auth.slice(at, at + PAGE)
      for (const { type } of some) count(`auth ${type}`)
      yield write(some.map(({ type, id, value }): AuthLine => ({ kind: "auth", type, id, bytes: toBase64(value) })))
    }
    for await (const page of pages(header.companyId)) {
      const records = header.credentials ? page : page.filter(({ table }) => !isSecretTable(table))
      for (const { kind, table } of records) count(`${kind} ${table}`)
      const shown = records.map((record) => recordLine(header.credentials ? record : withoutSecrets(record)))
      if (shown.length > 0) yield write(shown)
    }
    if (deps.generation(header.companyId) !== generation) throw appError("COMPANY_ERASED")
    const end = { kind: "end", lines, counts, sha256: hex(digest.digest()) }
    yield encoder.encode(`${JSON.stringify(end)}\n`)
  }

  return {
    async open({ company, requestId, principal }, { credentials }) {
      const auth = credentials ? await deps.authRecords(company) : []
      const noted = { credentials, requestId, by: principal.kind }
      await events.commit(company, [], [events.draft("company.exported", noted)])
      const header: HeaderLine = {
        kind: "header",
        format: EXPORT_FORMAT,
        version: EXPORT_VERSION,
        companyId: company,
        exportedAt: new Date(clock.now()).toISOString(),
        ...(await deps.naming(company)),
        credentials,
      }
      const source = chunks(header, auth)
      return new ReadableStream(
        {
          async pull(controller) {
            try {
              const { done, value } = await source.next()
              if (done === true) controller.close()
              else controller.enqueue(value)
            } catch (thrown) {
              log.error({ company, requestId, error: toError(thrown).message }, "An export broke off")
              controller.error(thrown)
            }
          },
          async cancel() {
            await source.return(undefined)
          },
        },
        // Nothing is read ahead of whoever takes it.
        { highWaterMark: 0 },
      )
    },
  }
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
}
