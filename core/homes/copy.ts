import { appError } from "../errors.ts"
import type { OpenStore, Write } from "../store.ts"
import { utf8 } from "../records/utf8.ts"
import type { Sha256 } from "../records/keys.ts"

/** Records per round trip. */
const CHUNK = 200

export interface CopyInput {
  /** Encoded. */
  readonly company: string
  readonly from: OpenStore
  /** Holds nothing of the company. */
  readonly to: OpenStore
  /** Of the claim on `to`. */
  readonly fence: number
  readonly sha256: Sha256
  progress(copied: number, total: number): void
}

/**
 * Copies every record of a company byte for byte, sealed ones as they are, and reads the copy back: rejects with
 * STORAGE_UNAVAILABLE unless both digests agree and the copy is where it outlives this machine.
 */
export async function copyRecords({ company, from, to, fence, sha256, progress }: CopyInput): Promise<void> {
  const keys = (await from.driver.keys(company)).sort()
  let copied = 0
  progress(copied, keys.length)
  for (const some of chunks(keys)) {
    const writes = await readAll(from, company, some)
    await to.driver.commit(company, writes, fence)
    copied += some.length
    progress(copied, keys.length)
  }
  await to.flush(company)
  // What a process remembers of a store proves nothing about it.
  await to.driver.evict(company)
  if ((await digestOf(to, company, sha256)) !== (await digestOf(from, company, sha256))) {
    throw appError("STORAGE_UNAVAILABLE", { message: "The copy differs from what was copied" })
  }
}

/** One digest over all keys and values of a company, in order. */
async function digestOf(store: OpenStore, company: string, sha256: Sha256): Promise<string> {
  const keys = (await store.driver.keys(company)).sort()
  let chain = new Uint8Array(32)
  for (const some of chunks(keys)) {
    for (const { key, value } of await readAll(store, company, some)) {
      const name = sha256(utf8(key))
      const link = new Uint8Array(96)
      link.set(chain)
      link.set(name, 32)
      link.set(sha256(value), 64)
      chain = Uint8Array.from(sha256(link))
    }
  }
  return chain.join()
}

async function readAll(
  store: OpenStore,
  company: string,
  keys: readonly string[],
): Promise<(Write & { readonly value: Uint8Array })[]> {
  const values = await store.driver.load(company, keys)
  return keys.map((key, index) => {
    const value = values[index]
    if (value === undefined)
      throw appError("STORAGE_UNAVAILABLE", { message: "A record went while it was being copied" })
    return { key, value }
  })
}

function* chunks(keys: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < keys.length; at += CHUNK) yield keys.slice(at, at + CHUNK)
}
