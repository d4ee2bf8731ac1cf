import type { CommitResult, Ledger, Op } from "../../ledger.ts"
import { createCommitLane } from "./commit-lane.ts"
import { VAULT_KEY, VAULT_TABLE } from "./names.ts"
import { sealOps } from "./sealed-rows.ts"
import { isSealed, type MaybePromise, type Sealer } from "../sealer.ts"
import { damaged } from "../values.ts"
import { newVault, openVault, type StoredVault, type Vault } from "../vault.ts"

/** One company's part of the ledger, sealed. */
export interface SealedCompany {
  commit(ops: readonly Op[]): Promise<CommitResult>
  /** Undefined while nothing of the company is sealed, and nothing is to be. */
  vault(): MaybePromise<Vault | undefined>
  /** The vault has been replaced by this one. */
  replaced(vault: Vault): void
  /** Resolves when no commit is under way. */
  idle(): Promise<void>
  /** True when it can be let go of: all that it knows can be read again, or it knows nothing yet. */
  readonly resting: boolean
}

export interface SealedCompanyDeps {
  readonly ledger: Ledger
  readonly company: string
  readonly sealer: Sealer
  /** Of an erasing that has to end before anything begins; never rejects. */
  readonly after: Promise<unknown> | undefined
  /** Puts rows with telling keys under names, before anybody looks for them by these. */
  rename(vault: Vault): Promise<void>
}

export function createSealedCompany({ ledger, company, sealer, after, rename }: SealedCompanyDeps): SealedCompany {
  let opening: Promise<void> | undefined
  let opened = false
  let entering = 0
  let waits = after !== undefined
  void after?.then(() => {
    waits = false
  })
  let vault: Vault | undefined
  /** Not yet in a commit that is known to be durable. */
  let fresh: StoredVault | undefined

  const find = async (): Promise<void> => {
    await after
    const [row] = await ledger.get(company, VAULT_TABLE, [VAULT_KEY])
    vault = row && (await openVault(sealer, company, "messages", row.value, `${VAULT_TABLE} of ${company}`))
    // A broken off erasing is finished before anything begins anew.
    if (row !== undefined && vault === undefined) await ledger.erase(company)
    if (vault === undefined) await begin()
    else if (!vault.done) await rename(vault)
    opened = true
  }

  const begin = async (): Promise<void> => {
    const { records } = await ledger.dump(company, undefined, 1)
    const first = records[0]
    if (first !== undefined && first.kind !== "number") {
      const name = `${VAULT_TABLE} of ${company}`
      if (isSealed(first.value)) throw damaged(name, "it is missing, and with it the salt")
      if (sealer.complete("messages")) throw damaged(name, "there are plain records, where everything has been sealed")
    }
    if (!sealer.seals("messages")) return
    const made = await newVault(sealer, company, "messages", first === undefined)
    vault = made.vault
    if (vault.done) {
      fresh = made
      return
    }
    await ledger.commit(company, [{ op: "put", table: VAULT_TABLE, key: VAULT_KEY, value: made.record }])
    await rename(vault)
  }

  const open = (): Promise<void> => {
    if (opening === undefined) {
      const begun = find().catch((thrown: unknown) => {
        // The next caller looks again.
        if (opening === begun) opening = undefined
        vault = undefined
        fresh = undefined
        throw thrown
      })
      opening = begun
    }
    return opening
  }

  /** Last, so that the others keep their places in the result; with each commit until one has arrived. */
  const writeWith = async (made: StoredVault, ops: readonly Op[]): Promise<CommitResult> => {
    const salt: Op = { op: "put", table: VAULT_TABLE, key: VAULT_KEY, value: made.record }
    const result = await ledger.commit(company, [...ops, salt])
    if (result.ok && fresh === made) fresh = undefined
    return result
  }

  const lane = createCommitLane({
    tail: (table) => ledger.tail(company, table),
    prepare: (ops, position) => (vault === undefined ? ops : sealOps(sealer, vault, ops, position)),
    write: (ops) => (fresh === undefined ? ledger.commit(company, ops) : writeWith(fresh, ops)),
  })

  /** All of these go on in the order in which they came. */
  const enter = async (ops: readonly Op[]): Promise<CommitResult> => {
    entering++
    let commit: Promise<CommitResult>
    try {
      await open()
      commit = lane.commit(ops)
    } finally {
      entering--
    }
    return commit
  }

  return {
    commit: (ops) => (opened && entering === 0 ? lane.commit(ops) : enter(ops)),

    vault: () => (opened ? vault : open().then(() => vault)),

    replaced(next) {
      vault = next
    },
    get resting() {
      if (opening === undefined) return entering === 0 && !waits
      return opened && entering === 0 && fresh === undefined && lane.resting
    },

    async idle() {
      while (entering > 0) await open().catch(() => undefined)
      await lane.idle()
    },
  }
}
