import { appError } from "../../errors.ts"
import type { DumpedRecord, Ledger, Op } from "../../ledger.ts"
import { ruleOf, VAULT_KEY, VAULT_TABLE } from "./names.ts"
import type { SealedCompany } from "./sealed-company.ts"
import { openLogRows, openRows, sealOps } from "./sealed-rows.ts"
import { isSealed, type Sealer } from "../sealer.ts"
import { finishedVault, type Vault } from "../vault.ts"

/** Records of one commit. */
const AT_ONCE = 100

/** Log rows are rewritten where they are. */
const inPlace = (): number => {
  throw new TypeError("Nothing is appended here")
}

/** Puts the rows of tables with telling keys under names, as far as they lie there plain. Again harmless. */
export async function renameRows(ledger: Ledger, company: string, sealer: Sealer, vault: Vault): Promise<void> {
  for (let after: string | undefined; ; ) {
    const { records, next } = await ledger.dump(company, after, AT_ONCE)
    const ops: Op[] = []
    const gone: Op[] = []
    for (const record of records) {
      if (record.kind !== "row" || !ruleOf(record.table).key || isSealed(record.value)) continue
      const { kind: _kind, version, ...placement } = record
      ops.push({ op: "put", ...placement })
      gone.push({ op: "delete", table: record.table, key: record.key, version })
    }
    if (ops.length > 0) await ledger.commit(company, [...gone, ...(await sealOps(sealer, vault, ops, inPlace))])
    // Rows come before everything else.
    if (next === null || records.at(-1)?.kind !== "row") return
    after = next
  }
}

/** Seals under the newest key whatever is not, and says so in the vault. Lines may go on meanwhile. */
export async function resealRows(
  ledger: Ledger,
  company: string,
  self: SealedCompany,
  sealer: Sealer,
  signal: AbortSignal,
  wrote: (records: number) => void,
): Promise<void> {
  const vault = await self.vault()
  if (vault === undefined || vault.newest) return
  for (let after: string | undefined; ; ) {
    if (signal.aborted) throw appError("SHUTTING_DOWN")
    const { records, next } = await ledger.dump(company, after, AT_ONCE)
    const due = records.filter(
      (record) => record.kind !== "number" && record.table !== VAULT_TABLE && !sealer.isNewest(record.value),
    )
    if (due.length > 0) {
      const ops = await sealOps(sealer, vault, await openedOps(sealer, vault, due), inPlace)
      wrote(await write(ledger, company, ops))
    }
    if (next === null) break
    after = next
  }
  const done = await finishedVault(sealer, vault)
  await ledger.commit(company, [{ op: "put", table: VAULT_TABLE, key: VAULT_KEY, value: done.record }])
  self.replaced(done.vault)
}

async function openedOps(sealer: Sealer, vault: Vault, records: readonly DumpedRecord[]): Promise<Op[]> {
  const ops: Op[] = []
  for (const record of records) {
    if (record.kind === "log") {
      const { table, position } = record
      const [row] = await openLogRows(sealer, vault, table, [record])
      if (row !== undefined) ops.push({ op: "rewrite", table, position, value: row.value })
    } else if (record.kind === "row") {
      const [row] = await openRows(sealer, vault, record.table, [record])
      if (row === undefined) continue
      const { kind: _kind, ...placement } = row
      ops.push({ op: "recode", ...placement })
    }
  }
  return ops
}

/** All together; where one of them has been written anew or deleted meanwhile, each by itself. */
async function write(ledger: Ledger, company: string, ops: readonly Op[]): Promise<number> {
  if ((await ledger.commit(company, ops)).ok) return ops.length
  let written = 0
  for (const op of ops) if ((await ledger.commit(company, [op])).ok) written++
  return written
}
