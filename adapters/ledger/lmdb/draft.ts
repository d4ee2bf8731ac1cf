import type { Engine, EngineWrite } from "./engine.ts"

/** The engine works up to 1,978 bytes; a longer one must not be found out half-way through a group. */
const LONGEST_KEY = 1_978

/**
 * What a group of commits is about to write. Commits of the group see each other's writes, and one that does not hold is
 * taken back alone, so that the engine only ever gets writes that are all meant.
 */
export interface Draft {
  get(key: Buffer): Buffer | undefined
  put(key: Buffer, value: Buffer): void
  remove(key: Buffer): void
  /** Makes what follows one unit. */
  begin(): void
  /** Takes back everything since `begin`. */
  undo(): void
  has(key: Buffer): boolean
  writes(): Iterable<EngineWrite>
  readonly size: number
  /** Bytes of the values so far. */
  readonly bytes: number
}

export function createDraft(engine: Engine): Draft {
  const writes = new Map<string, EngineWrite>()
  let undoLog: [id: string, before: EngineWrite | undefined][] = []
  let bytes = 0

  function set(key: Buffer, value: Buffer | null): void {
    if (key.length > LONGEST_KEY) throw new RangeError(`A key of ${key.length} bytes does not fit the engine`)
    const id = key.toString("latin1")
    undoLog.push([id, writes.get(id)])
    writes.set(id, { key, value })
    bytes += value === null ? 0 : value.length
  }

  return {
    get(key) {
      const written = writes.size === 0 ? undefined : writes.get(key.toString("latin1"))
      if (written === undefined) return engine.get(key)
      return written.value ?? undefined
    },
    put: set,
    remove: (key) => set(key, null),
    begin() {
      undoLog = []
    },
    undo() {
      for (const [id, before] of undoLog.reverse()) {
        if (before === undefined) writes.delete(id)
        else writes.set(id, before)
      }
      undoLog = []
    },
    has: (key) => writes.has(key.toString("latin1")),
    writes: () => writes.values(),
    get size() {
      return writes.size
    },
    get bytes() {
      return bytes
    },
  }
}
