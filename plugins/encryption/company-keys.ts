import { type PluginContext, type RecordsOf, utf8 } from "../../core/plugin.ts"
import type { MasterKey } from "./keys.ts"

/** Keys of companies, derived from a master key and the salt that is kept with the company. */

type System = PluginContext<unknown, never>["system"]
type Owner = Omit<RecordsOf, "names">

export interface CompanyKey {
  readonly key: Uint8Array
  /** The part of the associated data that all records under it have in common. */
  readonly bound: Uint8Array
  /** `bound` with room behind it: names are short, and come one after another. */
  readonly scratch: Uint8Array
}

export type CompanyKeys = (master: MasterKey, owner: Owner) => CompanyKey

interface Derived extends CompanyKey {
  /** The very object: core hands out the same one again and again. */
  readonly given: Uint8Array
  readonly salt: Uint8Array
}

const VERSION = 1
/** Companies whose keys are at hand; any other's are derived again, which takes some microseconds. */
const REMEMBERED = 2_000
const KEY_BYTES = 32
const LONGEST_INFO = 1_024
const ROOM = 128
const ASCII = /^[\x20-\x7e]*$/

export function createCompanyKeys(system: Pick<System, "hkdf" | "sha256">): CompanyKeys {
  const byMaster = new Map<MasterKey, Map<string, Derived>>()

  return (master, { company, purpose, salt }) => {
    const remembered = byMaster.get(master) ?? new Map<string, Derived>()
    byMaster.set(master, remembered)
    const place = `${purpose}/${company}`
    const known = remembered.get(place)
    // Set anew at each use, so that the map stays in the order of the last one.
    if (known !== undefined) remembered.delete(place)
    if (known !== undefined && (known.given === salt || same(known.salt, salt))) {
      remembered.set(place, known)
      return known
    }
    const bound = fields([Uint8Array.of(VERSION), utf8(purpose), utf8(company), master.id])
    // No runtime takes a longer info.
    const info = bound.length <= LONGEST_INFO ? bound : fields([Uint8Array.of(VERSION), system.sha256(bound)])
    const key = system.hkdf(master.key, salt, info, KEY_BYTES)
    const derived = {
      key,
      bound,
      given: salt,
      salt: Uint8Array.from(salt),
      scratch: new Uint8Array(bound.length + ROOM),
    }
    derived.scratch.set(bound)
    remembered.set(place, derived)
    if (remembered.size > REMEMBERED) {
      const [oldest] = remembered.keys()
      if (oldest !== undefined) remembered.delete(oldest)
    }
    return derived
  }
}

/**
 * What a record's ciphertext is bound to: under whose key it is, and which record it is. Good until the next call for the
 * same key.
 */
export function associated({ bound, scratch }: CompanyKey, name: string): Uint8Array {
  if (name.length > ROOM || !ASCII.test(name)) return joined(bound, utf8(name))
  // Last, so that it needs no length.
  for (let at = 0; at < name.length; at++) scratch[bound.length + at] = name.charCodeAt(at)
  return scratch.subarray(0, bound.length + name.length)
}

function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length)
  bytes.set(a)
  bytes.set(b, a.length)
  return bytes
}

/** Each with its length in front: no two lists give the same bytes. */
function fields(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + 4 + part.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const part of parts) {
    view.setUint32(at, part.length)
    bytes.set(part, at + 4)
    at += 4 + part.length
  }
  return bytes
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at])
}
