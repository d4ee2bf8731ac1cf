import { appendFile, mkdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import type { LedgerAdapter, Op } from "../../core/ledger.ts"
import { decodeRecord, encodeRecord } from "../../core/records/values.ts"

/**
 * A ledger that answers first and writes `lateMs` afterwards, as a server does whose writes are not durable. It keeps
 * everything in memory, and replays at the start what it got round to writing.
 */
export function lateLedger(lateMs: number): LedgerAdapter {
  return {
    name: "late",
    async open({ folder }) {
      await mkdir(folder, { recursive: true })
      const file = join(folder, "late-ledger")
      const ledger = createMemoryLedger()
      const text = await readFile(file, "utf8").catch(() => "")
      // A last line without its end was being written when the process was killed.
      for (const line of text.split("\n").slice(0, -1)) {
        const { company, ops } = decodeRecord<Commit>(new Uint8Array(Buffer.from(line, "base64")))
        await ledger.commit(company, ops)
      }
      let writing: Promise<void> = Promise.resolve()
      return {
        ...ledger,
        async commit(company, ops) {
          const result = await ledger.commit(company, ops)
          const line = `${Buffer.from(encodeRecord({ company, ops })).toString("base64")}\n`
          if (result.ok) {
            setTimeout(() => {
              writing = writing.then(() => appendFile(file, line))
            }, lateMs)
          }
          return result
        },
        async close() {
          await new Promise((resolve) => setTimeout(resolve, lateMs + 50))
          await writing
          await ledger.close()
        },
      }
    },
  }
}

interface Commit {
  readonly company: string
  readonly ops: readonly Op[]
}
