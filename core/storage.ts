import { createStorage } from "unstorage"
import { appError } from "./errors.ts"
import {
  type CompanyStore,
  emptyRecord,
  type StoreDeps,
  TRUE_NAME,
  unwrap,
  VAULT,
  wrap,
} from "./records/auth-records.ts"
import { decodeSegment, encodeSegment, type Sha256 } from "./records/keys.ts"
import type { Lease } from "./ownership.ts"
import { openPlainStore } from "./records/plain-store.ts"
import type { Sealer } from "./records/sealer.ts"
import { openSealedStore } from "./records/sealed-store.ts"
import { type OpenStore, UNFENCED } from "./store.ts"
import { fromUtf8, utf8 } from "./records/utf8.ts"
import { destroyedVault } from "./records/vault.ts"

/** What storage needs from outside: the digest of `System`, and who seals records, when anybody does. */
export interface StorageTools {
  readonly sha256: Sha256
  readonly sealer?: Sealer | undefined
}

/**
 * One company's store, made from its lease: it cannot name anything outside its own company, and once the lease has ended
 * every call is FENCED.
 */
export function openCompanyStore(store: OpenStore, lease: Lease, tools: StorageTools): CompanyStore {
  const company = encodeSegment(lease.company, tools.sha256)
  let named = !company.hashed

  const deps: StoreDeps = {
    driver: store.driver,
    company: company.text,
    owner: lease.company,
    sha256: tools.sha256,
    atomic: store.capabilities.atomic,
    check() {
      if (lease.lost.aborted) throw appError("FENCED")
    },
    commit(writes) {
      if (writes.length === 0) return Promise.resolve()
      if (named) return store.driver.commit(company.text, writes, lease.fence)
      const name = { key: TRUE_NAME, value: wrap(utf8(lease.company)) }
      return store.driver.commit(company.text, [name, ...writes], lease.fence).then(() => {
        named = true
      })
    },
    async erase() {
      await store.driver.erase(company.text, lease.fence)
      named = !company.hashed
    },
    async settle() {
      await store.compact?.(company.text)
      await store.flush(company.text)
    },
  }
  return tools.sealer === undefined ? openPlainStore(deps) : openSealedStore(deps, tools.sealer)
}

/**
 * Erases a company in a store where no line of it runs. Where records are sealed its salt goes first: what a crash leaves
 * of the rest can be opened by nobody. `company` is encoded; `fence` is that of the claim, where a store has claims.
 */
export async function eraseCompany(
  store: OpenStore,
  company: string,
  { sealer }: StorageTools,
  fence?: number,
): Promise<void> {
  const [vault] = sealer === undefined ? [] : await store.driver.load(company, [VAULT])
  if (vault !== undefined)
    await store.driver.commit(company, [{ key: VAULT, value: destroyedVault }], fence ?? UNFENCED)
  await store.driver.erase(company, fence)
}

/** True ids of all companies with records in a store. */
export async function storedCompanies(store: OpenStore): Promise<string[]> {
  const ids: string[] = []
  for (const segment of await store.driver.companies()) {
    const plain = decodeSegment(segment)
    if (plain !== undefined) ids.push(plain)
    else {
      const [record] = await store.driver.load(segment, [TRUE_NAME])
      if (record !== undefined) ids.push(fromUtf8(unwrap(record, TRUE_NAME).value))
    }
  }
  return ids
}

/** How many records of each kind a company has, without reading them. */
export async function countRecords(
  store: OpenStore,
  company: string,
  tools: StorageTools,
): Promise<Record<string, number>> {
  const base = `company:${encodeSegment(company, tools.sha256).text}:`
  const counts = emptyRecord<number>()
  for (const key of await createStorage({ driver: store.driver }).getKeys(base)) {
    if (key === base + VAULT.replace("/", ":")) continue
    const kind = decodeSegment(key.slice(base.length).split(":")[0] ?? "")
    if (kind !== undefined) counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}
