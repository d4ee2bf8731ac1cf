import { join } from "node:path"
import { setImmediate } from "node:timers"
import { appError } from "../../../core/errors.ts"
import type { CommitResult, Ledger, LedgerAdapter, Op } from "../../../core/ledger.ts"
import { createDraft, type Draft } from "./draft.ts"
import { openEngine } from "./engine.ts"
import { eraseStep, forget, markErased } from "./erase.ts"
import { planCommit } from "./plan.ts"
import { createReader } from "./reader.ts"
import { type DraftRegistry, draftRegistry, readRegistry } from "./registry.ts"

export interface LmdbOptions {
  readonly folder: string
  /** Only tests leave the flush out, to see what it is for. */
  readonly durable?: boolean
}

/** The embedded ledger, in `<folder>/ledger`. One process at a time: the data folder is locked by whoever opens it. */
export const lmdbLedger: LedgerAdapter = { name: "lmdb", open: openLmdb }

/** A unit of a group: it drafts its writes, and is told once they are on the disk, or that they are not. */
interface Job {
  draft(draft: Draft, registry: DraftRegistry): void
  /** Not together with others: it changes what their numbers stand for. */
  readonly alone: boolean
  done(): void
  failed(error: unknown): void
}

const MOST_JOBS = 512
const MOST_BYTES = 8 << 20

export async function openLmdb(options: LmdbOptions): Promise<Ledger> {
  const engine = openEngine(join(options.folder, "ledger"), options.durable ?? true)
  const registry = readRegistry(engine)
  let waiting: Job[] = []
  let running: Promise<void> | undefined
  let closing = false

  function submit<T>(plan: (draft: Draft, registry: DraftRegistry) => T, written?: () => void): Promise<T> {
    if (closing) return Promise.reject(appError("STORAGE_UNAVAILABLE", { cause: new Error("The ledger is closed") }))
    return new Promise((resolve, reject) => {
      let result: T
      waiting.push({
        draft: (draft, registryDraft) => {
          result = plan(draft, registryDraft)
        },
        alone: written !== undefined,
        done: () => {
          written?.()
          resolve(result)
        },
        failed: reject,
      })
      // A turn of the event loop first: what all requests that were read in it commit is one group.
      running ??= new Promise<void>((next) => setImmediate(next)).then(run)
    })
  }

  /** Writes groups until nothing waits: those that came while a group was being flushed are the next one. */
  async function run(): Promise<void> {
    while (waiting.length > 0) await writeGroup()
    running = undefined
  }

  async function writeGroup(): Promise<void> {
    const draft = createDraft(engine)
    const names = draftRegistry(registry)
    const planned: Job[] = []
    let taken = 0
    for (const job of waiting) {
      if (taken === MOST_JOBS || draft.bytes > MOST_BYTES || (job.alone && taken > 0)) break
      taken++
      try {
        job.draft(draft, names)
        planned.push(job)
      } catch (error) {
        job.failed(error)
      }
      if (job.alone) break
    }
    waiting = waiting.slice(taken)
    try {
      if (draft.size > 0) await engine.write(draft.writes())
    } catch (error) {
      for (const job of planned) job.failed(error)
      return
    }
    names.keep(draft.has)
    for (const job of planned) job.done()
  }

  async function eraseNumber(company: number): Promise<void> {
    while (await submit((draft) => eraseStep(engine, draft, company)));
    registry.erased.delete(company)
  }

  for (const company of registry.erased) await eraseNumber(company)

  return {
    ...createReader(engine, registry),
    commit: (company: string, ops: readonly Op[]): Promise<CommitResult> =>
      submit((draft, names) => planCommit(draft, names, company, ops)),

    async erase(company) {
      // Its number first, in one commit: from then on nobody sees the company, and a crash leaves only work to finish.
      const number = await submit(
        (draft) => markErased(draft, registry, company),
        () => forget(registry, company),
      )
      if (number === undefined) return
      await eraseNumber(number)
    },

    async close() {
      closing = true
      await running
      await engine.close()
    },
  }
}
