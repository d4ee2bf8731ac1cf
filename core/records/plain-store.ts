import { appError } from "../errors.ts"
import {
  type CompanyStore,
  emptyRecord,
  entriesOf,
  portions,
  type StoreDeps,
  unwrap,
  unwrapOf,
  VAULT,
  wrap,
} from "./auth-records.ts"
import { recordKey } from "./keys.ts"
import { createTurns } from "./turns.ts"
import { isDestroyed } from "./vault.ts"

/** A company's auth state as it is, with nobody there who seals. One that has been sealed is RECORD_SEALED, never absent. */
export function openPlainStore({ driver, company, commit, erase, check, sha256 }: StoreDeps): CompanyStore {
  const turns = createTurns()
  let free = false

  /** What has been sealed is under other names: looked for by its own it would seem absent. */
  const judge = async (vault: Uint8Array | undefined): Promise<void> => {
    if (vault !== undefined && !isDestroyed(vault, VAULT)) {
      throw appError("RECORD_SEALED", { cause: new Error("The auth state of this company is sealed") })
    }
    if (vault !== undefined) await erase()
    free = true
  }
  const ready = (): Promise<void> | undefined =>
    free ? undefined : driver.load(company, [VAULT]).then(([vault]) => judge(vault))

  return {
    async load(type, ids) {
      check()
      const keys = ids.map((id) => recordKey(type, id, sha256))
      const asked = keys.map(({ text }) => text)
      // The first load asks for it by the way.
      const records = await driver.load(company, free ? asked : [...asked, VAULT])
      if (!free) {
        const vault = records[keys.length]
        await judge(vault)
        if (vault !== undefined) return emptyRecord()
      }
      const values = emptyRecord<Uint8Array>()
      for (const [index, id] of ids.entries()) {
        const record = records[index]
        if (record !== undefined) values[id] = unwrapOf(record, `${type}/${id}`, id, keys[index]?.hashed ?? false)
      }
      return values
    },

    async save(batch) {
      check()
      const writes = entriesOf(batch, sha256).map(({ place, hashed, id, value }) => ({
        key: place,
        value: value === null ? null : wrap(value, hashed ? id : undefined),
      }))
      await turns.next(ready(), () => {
        check()
        return commit(writes)
      })
    },

    clear: () =>
      turns.alone(async () => {
        check()
        await erase()
        free = true
      }),

    async *all() {
      check()
      await ready()
      for await (const some of portions(driver, company)) {
        yield some.map(({ key, type, id, record }) => {
          const found = unwrap(record, key)
          return { type, id: found.id ?? id ?? "", value: found.value }
        })
      }
    },

    async reseal() {
      // Nobody seals here.
    },
  }
}
