import { randomBytes } from "node:crypto"
import type { AtomicStore } from "../../../core/atomic.ts"
import { giveBackScript, incrementScript, takeScript } from "./atomic-scripts.ts"
import type { Link } from "./link.ts"
import type { Names } from "./names.ts"
import { runScript } from "./scripts.ts"

const LONGEST_KEY = 1_000
const KINDS = ["log", "number", "value"] as const

/** Shared limits and counters on a Redis server, by its clock. A call whose answer is lost may have been counted. */
export function createAtomic(link: Link, names: Names): AtomicStore {
  const nameOf = (kind: (typeof KINDS)[number], key: string): string => {
    if (key.length > LONGEST_KEY) throw new TypeError(`A key has at most ${LONGEST_KEY} characters`)
    return names.shared(kind, key)
  }
  /** Marks of this process are no other's. */
  const own = randomBytes(9).toString("base64url")
  let takes = 0
  const milliseconds = (micros: unknown): number => Math.ceil(Number(micros) / 1_000)

  return {
    async take(key, { limit, windowMs, cost }) {
      const mark = `${own} ${++takes}`
      const args = [limit, windowMs * 1_000, cost, mark]
      const work = link.run((client) => runScript(client, takeScript, [nameOf("log", key)], args), { repeat: false })
      const [taken, remaining, wait, rest] = (await work) as [number, number, string, string]
      const receipt = taken === 1 ? { mark, cost } : null
      return { taken: taken === 1, receipt, remaining, retryAfterMs: milliseconds(wait), resetMs: milliseconds(rest) }
    },
    async giveBack(key, { mark, cost }) {
      await link.run((client) => runScript(client, giveBackScript, [nameOf("log", key)], [mark, cost]), {
        repeat: true,
      })
    },
    async increment(key, by, ttlMs) {
      const args = [by, ttlMs ?? ""]
      return Number(
        await link.run((client) => runScript(client, incrementScript, [nameOf("number", key)], args), {
          repeat: false,
        }),
      )
    },
    async setIfAbsent(key, value, ttlMs) {
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.length)
      const set = await link.run((client) => client.set(nameOf("value", key), bytes, "PX", ttlMs, "NX"), {
        repeat: false,
      })
      return set === "OK"
    },
    async get(key) {
      const value = await link.run((client) => client.getBuffer(nameOf("value", key)), { repeat: true })
      return value === null ? undefined : Uint8Array.from(value)
    },
    async delete(key) {
      await link.run((client) => client.del(KINDS.map((kind) => nameOf(kind, key))), { repeat: true })
    },
  }
}
