import { isAppError } from "../errors.ts"
import type { HookRegistry } from "../hooks.ts"
import type { Ledger } from "../ledger.ts"
import type { Logger } from "../log.ts"
import {
  createSealer,
  isSealed,
  keyIdOf,
  type Owner,
  type Purpose,
  type Sealer,
  sealThrough,
} from "../records/sealer.ts"
import { decodeRecord, encodeRecord } from "../records/values.ts"
import { StartError } from "../settings/start-error.ts"
import type { System } from "../system.ts"

/** Who seals records in this house, and the mark that tells whether any may be sealed. */
export interface Sealing {
  /** Undefined until `begin`, and when nobody seals. */
  readonly sealer: Sealer | undefined
  /** For plugins, in their setup: what is to be sealed from now on. */
  seal(purposes: readonly Purpose[]): void
  /**
   * Once the plugins are set up: compares what they can open with what has been sealed here. Throws a StartError when
   * they open nothing of it.
   */
  begin(): Promise<void>
  /** Notes that every record of these kinds is sealed, and under the newest key. */
  finish(purposes: readonly Purpose[]): Promise<void>
}

export interface SealingDeps {
  readonly hooks: HookRegistry
  readonly ledger: Ledger
  readonly system: System
  readonly log: Logger
  /** True when there are companies already. */
  readonly inhabited: () => Promise<boolean>
}

const HOUSE = ""
const TABLE = "vault"
const KEY = "mark"
const SALT_BYTES = 32
const REMEDY = "start with the plugin that sealed them (encryption) and the key they were sealed with"

/** Made before the first record is sealed anywhere. Each check opens under one key alone. */
interface Mark {
  readonly salt: Uint8Array
  readonly checks: readonly Uint8Array[]
}

interface Check {
  /** Kinds of records of which no plain one is left. */
  readonly complete: readonly Purpose[]
}

export function createSealing({ hooks, ledger, system, log, inhabited }: SealingDeps): Sealing {
  const wanted = new Set<Purpose>()
  const complete = new Set<Purpose>()
  const randomBytes = (length: number): Uint8Array => system.randomBytes(length)
  let sealer: Sealer | undefined
  let salt: Uint8Array | undefined

  const owner = (): Owner => {
    salt ??= randomBytes(SALT_BYTES)
    return { company: HOUSE, purpose: "credentials", salt }
  }

  const load = async (): Promise<Mark | undefined> => {
    const [row] = await ledger.get(HOUSE, TABLE, [KEY])
    return row && decodeRecord<Mark>(row.value, "the mark of sealed records")
  }

  const save = async (checks: readonly Uint8Array[]): Promise<void> => {
    const value = encodeRecord({ salt: owner().salt, checks } satisfies Mark)
    await ledger.commit(HOUSE, [{ op: "put", table: TABLE, key: KEY, value }])
  }

  const newCheck = async (): Promise<Uint8Array> => {
    const check = encodeRecord({ complete: [...complete] } satisfies Check)
    const [sealed] = await sealThrough(hooks, owner(), [KEY], [check])
    if (sealed === undefined) throw new StartError(["A plugin that seals records has sealed nothing"])
    return sealed
  }

  const openCheck = async (check: Uint8Array): Promise<Check | undefined> => {
    if (!isSealed(check)) return undefined
    try {
      const [opened] = await hooks.transform("record:open", [check.subarray(2)], { ...owner(), names: [KEY] })
      return opened && decodeRecord<Check>(opened)
    } catch (thrown) {
      if (isAppError(thrown) && (thrown.code === "RECORD_SEALED" || thrown.code === "RECORD_DAMAGED")) return undefined
      throw thrown
    }
  }

  const readMark = async (mark: Mark): Promise<void> => {
    const opened = (await Promise.all(mark.checks.map(openCheck))).filter((check) => check !== undefined)
    if (opened.length === 0) {
      throw new StartError([
        "WHATSAPP_ENCRYPTION_KEY: it opens none of the sealed records of this data folder; give the key they were sealed " +
          "with, or add that one to WHATSAPP_ENCRYPTION_KEYS_OLD",
      ])
    }
    if (opened.length < mark.checks.length) {
      log.warn(
        {},
        "Some records are sealed under a key that is not among WHATSAPP_ENCRYPTION_KEY and WHATSAPP_ENCRYPTION_KEYS_OLD; they do not open",
      )
    }
    // A later check knows all that an earlier one did.
    for (const purpose of opened.at(-1)?.complete ?? []) complete.add(purpose)
  }

  return {
    get sealer() {
      return sealer
    },

    seal(purposes) {
      for (const purpose of purposes) wanted.add(purpose)
    },

    async begin() {
      const mark = await load()
      if (!hooks.has("record:seal") && !hooks.has("record:open")) {
        if (mark === undefined) return
        throw new StartError([`WHATSAPP_ENCRYPTION_KEY: records of this data folder are sealed; ${REMEDY}`])
      }
      for (const hook of ["record:seal", "record:open", "record:name"] as const) {
        if (!hooks.has(hook)) throw new StartError([`A plugin that seals records must have a handler of ${hook}`])
      }
      salt = mark?.salt
      if (mark !== undefined) await readMark(mark)
      else if (!(await inhabited())) for (const purpose of wanted) complete.add(purpose)
      const check = await newCheck()
      const keyId = keyIdOf(check)
      const known = mark?.checks.some((other) => sameBytes(keyIdOf(other), keyId)) ?? false
      if (!known) await save([...(mark?.checks ?? []), check])
      sealer = createSealer({
        hooks,
        randomBytes,
        keyId,
        seals: (purpose) => wanted.has(purpose),
        complete: (purpose) => complete.has(purpose),
      })
    },

    async finish(purposes) {
      for (const purpose of purposes) complete.add(purpose)
      await save([await newCheck()])
    },
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
