import { createNodeSystem } from "../../adapters/system/node.ts"
import { createHooks } from "../../core/hooks.ts"
import { createSealer, type Purpose, type Sealer, sealThrough, keyIdOf } from "../../core/records/sealer.ts"
import { appError } from "../../core/errors.ts"
import { createCipher } from "../../plugins/encryption/cipher.ts"
import { masterKey, readKey } from "../../plugins/encryption/keys.ts"
import { createTestClock } from "./clock.ts"
import { createTestLog } from "./log.ts"

/** Sealing as the encryption plugin does it, with what it was asked for in the test's hands. */
export interface TestSealing {
  readonly sealer: Sealer
  /** One line for each call: what, whose, which. */
  readonly calls: string[]
  /** Kinds of records that companies which begin now are sealed in. */
  readonly seals: Set<Purpose>
  /** Kinds of records of which no plain ones are left anywhere. */
  readonly complete: Set<Purpose>
}

export const KEY = "0f".repeat(32)
export const OTHER_KEY = "a7".repeat(32)

/** `older` still open. `slow`: every handler takes a turn or more, as one does that asks a key server. */
export async function createTestSealing(
  key: string = KEY,
  older: readonly string[] = [],
  slow = false,
): Promise<TestSealing> {
  const system = createNodeSystem()
  const hooks = createHooks({ clock: createTestClock(), log: createTestLog() })
  const calls: string[] = []
  const masters = await Promise.all(
    [key, ...older].map((text) => masterKey(readKey(text) ?? { passphrase: text }, system)),
  )
  const [newest, ...rest] = masters
  if (newest === undefined) throw new Error("No key")
  const cipher = createCipher(newest, rest, system, (kind, name) =>
    appError(kind === "damaged" ? "RECORD_DAMAGED" : "RECORD_SEALED", { cause: new Error(`${name} does not open`) }),
  )
  const pace = <T>(value: T): T | Promise<T> => {
    if (!slow) return value
    const turns = Math.floor(Math.random() * 4)
    return (async () => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      return value
    })()
  }
  hooks.add("encryption", "record:seal", (records, of) => {
    calls.push(`seal ${of.company} ${of.names.join(" ")}`)
    return pace(cipher.seal(records, of))
  })
  hooks.add("encryption", "record:open", (records, of) => {
    calls.push(`open ${of.company} ${of.names.join(" ")}`)
    return pace(cipher.open(records, of))
  })
  hooks.add("encryption", "record:name", (names, of) => pace(cipher.name(names, of)))
  const owner = { company: "", purpose: "credentials", salt: new Uint8Array(32) } as const
  const [check] = await sealThrough(hooks, owner, ["check"], [new Uint8Array(1)])
  if (check === undefined) throw new Error("Nothing was sealed")
  calls.length = 0
  const seals = new Set<Purpose>(["credentials", "messages"])
  const complete = new Set<Purpose>()
  const sealer = createSealer({
    hooks,
    randomBytes: (length) => system.randomBytes(length),
    keyId: keyIdOf(check),
    seals: (purpose) => seals.has(purpose),
    complete: (purpose) => complete.has(purpose),
  })
  return { sealer, calls, seals, complete }
}
