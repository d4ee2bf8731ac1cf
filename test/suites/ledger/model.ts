import fc from "fast-check"
import { expect, it } from "vitest"
import { type Op } from "../../../core/ledger.ts"
import { compareUtf8 } from "../../../core/records/utf8.ts"
import { bytes } from "../bytes.ts"
import { walk, type LedgerSubject } from "./subject.ts"

/** Any sequence of commits against a plain model. */
export function model(subject: LedgerSubject): void {
  it("keeps rows, indexes and dues in step over any sequence of commits", async () => {
    const key = fc.constantFrom("a", "b", "é", "k".repeat(1_100))
    const text = fc.constantFrom("", "1", "2", "t".repeat(1_200))
    const row = fc.record({ key, text, due: fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined }) })
    const op = fc.oneof(
      row.map((next) => ({ kind: "put" as const, ...next })),
      fc.record({ kind: fc.constant("delete" as const), key }),
      row.map((next) => ({ kind: "putIfAbsent" as const, ...next })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(op, { minLength: 1, maxLength: 4 }), { maxLength: 12 }), async (commits) => {
        await subject.ledger.erase("acme")
        let model = new Map<string, { text: string; due: number | undefined }>()
        for (const commit of commits) {
          const draft = new Map(model)
          let holds = true
          for (const step of commit) {
            if (step.kind === "delete") draft.delete(step.key)
            else {
              holds &&= step.kind === "put" || !draft.has(step.key)
              draft.set(step.key, step)
            }
          }
          const ops = commit.map((step): Op => {
            if (step.kind === "delete") return { op: "delete", table: "m", key: step.key }
            const more = { index: { text: step.text }, ...(step.due === undefined ? {} : { due: step.due }) }
            return { op: step.kind, table: "m", key: step.key, value: bytes(step.text), ...more }
          })
          expect((await subject.ledger.commit("acme", ops)).ok).toBe(holds)
          if (holds) model = draft
        }
        const entries = [...model.entries()]
        expect((await walk(subject, {}, 2)).sort()).toEqual(entries.map(([id]) => id).sort())
        const byText = entries.toSorted((a, b) => compareUtf8(a[1].text, b[1].text) || compareUtf8(a[0], b[0]))
        expect(await walk(subject, { index: "text" }, 2)).toEqual(byText.map(([id]) => id))
        const due = entries.filter(([, { due: at }]) => at !== undefined && at <= 1).map(([id]) => id)
        expect((await subject.ledger.due("m", 1, 99)).map((found) => found.key).sort()).toEqual(due.sort())
      }),
      { numRuns: 80 },
    )
  })
}
