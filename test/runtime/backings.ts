import { cp } from "node:fs/promises"
import { join } from "node:path"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { filesystemStorage } from "../../adapters/storage/filesystem/index.ts"
import { type HomeRecord, loadHome } from "../../core/homes/record.ts"
import type { OpenStore } from "../../core/store.ts"
import { temporaryFolder } from "../support/folder.ts"
import { storeOptions } from "../support/store-options.ts"

/** A named store of the server, with whatever stands behind it, that a test can look into past the server. */
export interface Backing {
  readonly name: string
  /** What the server's environment says of it; `WHATSAPP_STORES` is put together from `named`. */
  readonly env: Readonly<Record<string, string>>
  readonly named?: Readonly<Record<string, unknown>>
  /** Opens what the server of this data folder has stored, to read and not to change it. */
  look(folder: string): Promise<Looked>
  close(): Promise<void>
}

export interface Looked {
  readonly store: OpenStore
  close(): Promise<void>
}

/** The environment of a server that has all of these stores. */
export function envOf(backings: readonly Backing[]): Record<string, string> {
  const named = Object.fromEntries(backings.flatMap(({ name, named }) => (named === undefined ? [] : [[name, named]])))
  return {
    ...Object.assign({}, ...backings.map(({ env }) => env)),
    ...(Object.keys(named).length === 0 ? {} : { WHATSAPP_STORES: JSON.stringify(named) }),
  }
}

/** Plain files: the standard store, or one of another name. */
export function filesBacking(name = "filesystem"): Backing {
  const under = name === "filesystem" ? "auth" : join("stores", name)
  return {
    name,
    env: {},
    ...(name === "filesystem" ? {} : { named: { adapter: "filesystem" } }),
    async look(folder) {
      // A copy: to open a journal mends it, and the server may be writing to it.
      const copy = await temporaryFolder()
      await cp(join(folder, under), join(copy.path, under), { recursive: true }).catch(
        (fault: NodeJS.ErrnoException) => {
          // Nothing has been stored there yet.
          if (fault.code !== "ENOENT") throw fault
        },
      )
      const store = await filesystemStorage.open(storeOptions({ folder: copy.path, store: name }))
      return {
        store,
        async close() {
          await store.close()
          await copy.remove()
        },
      }
    },
    async close() {
      // The data folder goes with its stage.
    },
  }
}

/** What a store holds of a company: every record that it lists and can give back. */
export async function holdingsOf(backing: Backing, folder: string, company: string): Promise<readonly string[]> {
  const { store, close } = await backing.look(folder)
  try {
    // The ids of a stage's companies are stored as they are.
    const keys = await store.driver.keys(company)
    const values = await store.driver.load(company, keys)
    const absent = keys.filter((_, index) => values[index] === undefined)
    if (absent.length > 0) throw new Error(`${backing.name}: listed and not there: ${absent.join(", ")}`)
    return keys
  } finally {
    await close()
  }
}

/** Which store is in charge of a company, as a data folder says whose server has ended. */
export async function homeOf(folder: string, company: string): Promise<HomeRecord | undefined> {
  const ledger = await openLmdb({ folder })
  try {
    return await loadHome(ledger, company)
  } finally {
    await ledger.close()
  }
}
