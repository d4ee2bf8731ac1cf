import { mkdirSync } from "node:fs"
import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { BufferJSON, proto } from "@whiskeysockets/baileys"
import type { SignalDataSet, SignalDataTypeMap, SignalKeyStore } from "@whiskeysockets/baileys"

type Type = keyof SignalDataTypeMap
type Rows<T extends Type> = { [id: string]: SignalDataTypeMap[T] }

/** Everything in maps, without copying: the cheapest key store there can be. */
export function memoryKeys(): SignalKeyStore {
  const types = new Map<string, Map<string, unknown>>()
  return {
    get<T extends Type>(type: T, ids: string[]): Rows<T> {
      const rows = types.get(type)
      const found: Record<string, unknown> = {}
      for (const id of ids) {
        const row = rows?.get(id)
        if (row !== undefined) found[id] = row
      }
      return found as Rows<T>
    },
    set(data: SignalDataSet): void {
      for (const [type, rows] of Object.entries(data)) {
        let stored = types.get(type)
        if (!stored) types.set(type, (stored = new Map()))
        for (const [id, row] of Object.entries(rows)) {
          if (row === null) stored.delete(id)
          else stored.set(id, row)
        }
      }
    },
  }
}

/** One JSON file for each type of key, read at every use: between two calls the process holds nothing but the path. */
export function fileKeys(folder: string): SignalKeyStore {
  mkdirSync(folder, { recursive: true })
  let queue: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(step: () => Promise<T>): Promise<T> => {
    const result = queue.then(step)
    // A failed step is its caller's; the next one starts from the files again.
    queue = result.catch(() => undefined)
    return result
  }
  const path = (type: string): string => join(folder, `${type}.json`)
  const read = async (type: string): Promise<Record<string, unknown>> => {
    const text = await readFile(path(type), "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "{}"
      throw error
    })
    return JSON.parse(text, BufferJSON.reviver) as Record<string, unknown>
  }
  return {
    get<T extends Type>(type: T, ids: string[]): Promise<Rows<T>> {
      return inTurn(async () => {
        const rows = await read(type)
        const found: Record<string, unknown> = {}
        for (const id of ids) {
          const row = rows[id]
          if (row === undefined || row === null) continue
          found[id] = type === "app-state-sync-key" ? proto.Message.AppStateSyncKeyData.fromObject(row) : row
        }
        return found as Rows<T>
      })
    },
    set(data: SignalDataSet): Promise<void> {
      return inTurn(async () => {
        for (const [type, changes] of Object.entries(data)) {
          const rows = { ...(await read(type)), ...changes }
          for (const [id, row] of Object.entries(rows)) if (row === null) delete rows[id]
          await writeFile(path(type), JSON.stringify(rows, BufferJSON.replacer))
        }
      })
    },
  }
}
