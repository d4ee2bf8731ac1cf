import { damaged, decodeRecord, encodeRecord } from "./values.ts"
import { appError } from "../errors.ts"
import { isSealed, type Owner, type Purpose, type Sealer } from "./sealer.ts"

/**
 * What a company's sealed records are opened with, beside the master key: a salt, which stands plain next to them, and
 * sealed beside it the key of their names and how far the company is. Without it nothing opens any more.
 */
export interface Vault extends Owner {
  /** Makes the names of records; stays the same over rotations. */
  readonly key: Uint8Array
  /** No plain record is left: one that turns up has been put there by somebody else. */
  readonly done: boolean
  /** That holds for records under older keys, too. */
  readonly newest: boolean
}

/** A vault as it is stored. */
export interface StoredVault {
  readonly vault: Vault
  readonly record: Uint8Array
}

const SALT_BYTES = 32
const KEY_BYTES = 32
const NAME = "vault"

interface Stored {
  readonly salt: Uint8Array | null
  readonly sealed?: Uint8Array
}

interface State {
  readonly key: Uint8Array
  readonly done: boolean
}

/** In place of a vault whose company is being erased: whoever finds it finishes that. */
export const destroyedVault: Uint8Array = encodeRecord({ salt: null } satisfies Stored)

/** A vault for a company that has none; `done` when it has no records either. */
export function newVault(sealer: Sealer, company: string, purpose: Purpose, done: boolean): Promise<StoredVault> {
  const salt = sealer.randomBytes(SALT_BYTES)
  return store(sealer, { company, purpose, salt }, { key: sealer.randomBytes(KEY_BYTES), done })
}

/** The vault of a company of which nothing is left that is plain or under an older key. */
export function finishedVault(sealer: Sealer, { company, purpose, salt, key }: Vault): Promise<StoredVault> {
  return store(sealer, { company, purpose, salt }, { key, done: true })
}

async function store(sealer: Sealer, owner: Owner, state: State): Promise<StoredVault> {
  const [sealed] = await sealer.seal(owner, [NAME], [encodeRecord(state)])
  if (sealed === undefined) throw appError("PLUGIN_FAULT")
  const { key, done } = state
  return {
    vault: { ...owner, key, done, newest: done },
    record: encodeRecord({ salt: owner.salt, sealed } satisfies Stored),
  }
}

/** Opens a stored vault; undefined for one that has been destroyed. `name` says in errors where it stands. */
export async function openVault(
  sealer: Sealer,
  company: string,
  purpose: Purpose,
  record: Uint8Array,
  name: string,
): Promise<Vault | undefined> {
  const { salt, sealed } = decodeRecord<Stored>(record, name)
  if (salt === null) return undefined
  if (!(salt instanceof Uint8Array) || !(sealed instanceof Uint8Array) || !isSealed(sealed))
    throw damaged(name, "it holds no salt")
  const owner = { company, purpose, salt }
  const [opened] = await sealer.open(owner, [NAME], [sealed])
  const state = opened && decodeRecord<State>(opened, name)
  if (!(state?.key instanceof Uint8Array)) throw damaged(name, "it holds no key")
  return { ...owner, key: state.key, done: state.done, newest: state.done && sealer.isNewest(sealed) }
}

/** True for a vault that has been destroyed, whoever asks; nothing is opened. */
export function isDestroyed(record: Uint8Array, name: string): boolean {
  return decodeRecord<Stored>(record, name).salt === null
}

/** Throws for a stored record that may not stand where it was found; true when it is sealed, and to be opened. */
export function admit(sealer: Sealer, vault: Vault, record: Uint8Array, name: string): boolean {
  if (!isSealed(record)) {
    if (vault.done) throw damaged(name, "it is plain, where everything has been sealed")
    return false
  }
  if (vault.newest && !sealer.isNewest(record)) {
    throw damaged(name, "it is sealed under an older key, where everything has been sealed anew")
  }
  return true
}
