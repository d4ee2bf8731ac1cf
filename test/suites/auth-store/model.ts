import fc from "fast-check"
import { expect, it } from "vitest"
import { type StoreSubject } from "./subject.ts"

/** Any sequence of batches against a plain map. */
export function model(subject: StoreSubject): void {
  it("does what a plain map does, over any sequence of batches and restarts", async () => {
    const id = fc.constantFrom("a", "A", "b:c", "1", "q".repeat(200))
    const value = fc.option(fc.uint8Array({ maxLength: 40 }), { nil: null })
    const batch = fc.array(fc.tuple(fc.constantFrom("session", "creds"), id, value), { maxLength: 5 })
    const step = fc.oneof(
      { weight: 8, arbitrary: batch },
      { weight: 1, arbitrary: fc.constant("reopen" as const) },
      { weight: 1, arbitrary: fc.constant("evict" as const) },
      { weight: 1, arbitrary: fc.constant("clear" as const) },
    )
    let run = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const owner = `model-${run++}`
        const model: Record<string, Record<string, Uint8Array>> = { session: {}, creds: {} }
        for (const next of steps) {
          if (next === "reopen") await subject.reopen()
          else if (next === "evict") await subject.store.driver.evict(owner)
          else if (next === "clear") {
            await subject.company(owner).clear()
            model["session"] = {}
            model["creds"] = {}
          } else {
            const writes: Record<string, Record<string, Uint8Array | null>> = {}
            for (const [type, key, record] of next) {
              writes[type] = { ...writes[type], [key]: record }
              const kept = { ...model[type] }
              delete kept[key]
              model[type] = record === null ? kept : { ...kept, [key]: record }
            }
            await subject.company(owner).save(writes)
          }
        }
        for (const type of ["session", "creds"]) {
          expect(await subject.company(owner).load(type, ["a", "A", "b:c", "1", "q".repeat(200)])).toEqual(model[type])
        }
      }),
      { numRuns: 60 },
    )
  })
}
