import { setImmediate } from "node:timers"
import type { AuthBatch, AuthStore } from "../../../core/store.ts"
import { createBoundedMap } from "./bounded-map.ts"
import type { Endurance } from "./endurance.ts"

/**
 * One line's records. What is staged is seen by every read at once and written together with whatever else is staged: one
 * commit for all devices of a send. A failing store is waited for.
 */
export interface LineStore {
  /** What is there, staged values included; absent ids have no entry. */
  load(type: string, ids: readonly string[]): Promise<Map<string, Uint8Array>>
  /** Visible to reads at once, written with the next commit. */
  stage(batch: AuthBatch): void
  /** Resolves when everything staged so far is durable. */
  durable(): Promise<void>
  /** Something staged is not durable yet. */
  dirty(): boolean
  /** `stage` and `durable`. */
  write(batch: AuthBatch): Promise<void>
  /** Resolves when no write is under way at the store itself, however it ended. */
  settled(): Promise<void>
}

type Staged = Map<string, Uint8Array | null>

/** Sessions are read several times for each message, a contact's token once; a few stay at hand. */
const KEPT: Readonly<Record<string, number>> = { session: 48, "sender-key": 16, tctoken: 64 }

export function createLineStore(auth: AuthStore, endurance: Endurance): LineStore {
  const kept = new Map(Object.entries(KEPT).map(([type, max]) => [type, createBoundedMap<Uint8Array>({ max })]))
  let staged = new Map<string, Staged>()
  let committing = new Map<string, Staged>()
  let turn: Promise<void> | undefined
  let running: Promise<void> = Promise.resolve()
  let saving: Promise<unknown> = Promise.resolve()

  /** The newest value that has not reached the store's memory yet, or one kept at hand; null when it is deleted. */
  function find(type: string, id: string): Uint8Array | null | undefined {
    for (const layer of [staged, committing]) {
      const values = layer.get(type)
      if (values?.has(id)) return values.get(id) ?? null
    }
    return kept.get(type)?.get(id)
  }

  async function commit(): Promise<void> {
    committing = staged
    staged = new Map()
    turn = undefined
    if (committing.size === 0) return
    const batch = Object.fromEntries([...committing].map(([type, values]) => [type, Object.fromEntries(values)]))
    await endurance.run(() => {
      const attempt = auth.save(batch)
      // Waited for as to its end alone; how it failed is told through what is returned.
      saving = attempt.catch(() => undefined)
      return attempt
    })
    for (const [type, values] of committing) {
      const shelf = kept.get(type)
      if (!shelf) continue
      for (const [id, value] of values) {
        if (value === null) shelf.delete(id)
        else shelf.set(id, value)
      }
    }
    committing = new Map()
  }
  // A turn of the event loop is waited first: the devices of one send step one after the other within it.
  const next = () => new Promise<void>((resolve) => setImmediate(resolve))
  function durable(): Promise<void> {
    if (turn) return turn
    if (staged.size === 0) return running
    const before = running
    turn = before.then(next).then(commit)
    running = turn
    // Whoever waits for it hears of a failure; a commit nobody waits for has told the line through `endurance`.
    running.catch(() => undefined)
    return turn
  }
  function stage(batch: AuthBatch): void {
    for (const [type, values] of Object.entries(batch)) {
      const shelf = staged.get(type) ?? new Map<string, Uint8Array | null>()
      for (const [id, value] of Object.entries(values)) shelf.set(id, value)
      if (shelf.size > 0) staged.set(type, shelf)
    }
  }

  return {
    async load(type, ids) {
      const found = new Map<string, Uint8Array>()
      const missing: string[] = []
      for (const id of ids) {
        const value = find(type, id)
        if (value === undefined) missing.push(id)
        else if (value !== null) found.set(id, value)
      }
      if (missing.length === 0) return found
      const stored = await endurance.run(() => auth.load(type, missing))
      for (const id of missing) {
        // Staged while the store was being read: that is newer.
        const newer = find(type, id)
        const value = newer === undefined && Object.hasOwn(stored, id) ? stored[id] : newer
        if (value === undefined || value === null) continue
        found.set(id, value)
        if (newer === undefined) kept.get(type)?.set(id, value)
      }
      return found
    },
    stage,
    durable,
    dirty: () => staged.size > 0 || committing.size > 0,
    async settled() {
      await saving
    },
    write(batch) {
      stage(batch)
      return durable()
    },
  }
}
