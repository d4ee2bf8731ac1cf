import { randomInt } from "node:crypto"
import { createHandset, DEFAULT_SETTINGS, type HandsetSettings } from "./handset.ts"
import { createLineStats } from "./stats.ts"
import type { Account, World } from "./world.ts"

export interface PhoneSpec extends Partial<HandsetSettings> {
  readonly name?: string
  readonly lid?: string
  /** Another spelling of its number, by which look-ups find it too. */
  readonly spelling?: string
  /** False: the number looks as if it were not on WhatsApp. */
  readonly registered?: boolean
}

const SAMPLES: Record<string, unknown> = { name: "", lid: "", spelling: "", registered: true, ...DEFAULT_SETTINGS }
const CHOICES: Record<string, readonly string[]> = { reply: ["silent", "echo", "text"], addressing: ["pn", "lid"] }

/** The phone with this number; a new one when there is none. The settings given are set either way. */
export function phone(world: World, number: string, spec: PhoneSpec = {}): Account {
  const digits = number.replace(/\D/g, "")
  if (!/^\d{5,20}$/.test(digits)) throw new Error(`${number} is not a phone number`)
  for (const [field, value] of Object.entries(spec)) check(field, value)
  const account = world.accounts.get(digits) ?? create(world, digits, spec.lid)
  const { name, registered, spelling, lid: _fixed, ...settings } = spec
  if (spelling !== undefined) world.spellings.set(spelling, account)
  if (name !== undefined) account.name = name
  if (registered !== undefined) account.registered = registered
  Object.assign(account.handset.settings, settings)
  return account
}

/** Callers in other languages have no types to stop them. */
function check(field: string, value: unknown): void {
  if (!(field in SAMPLES)) throw new Error(`a phone has no "${field}"`)
  const wanted = typeof SAMPLES[field]
  if (typeof value !== wanted) throw new Error(`"${field}" must be a ${wanted}`)
  const choices = CHOICES[field]
  if (choices && !choices.includes(String(value))) throw new Error(`"${field}" must be one of ${choices.join(", ")}`)
}

function create(world: World, digits: string, wantedLid: string | undefined): Account {
  let lid = wantedLid ?? String(randomInt(10 ** 13, 10 ** 14))
  while (world.lids.has(lid)) lid = String(randomInt(10 ** 13, 10 ** 14))
  const base = {
    phone: digits,
    lid,
    name: `Phone ${digits}`,
    registered: true,
    lines: new Map(),
    stats: createLineStats(),
    nextDevice: 1,
  }
  const account: Account = Object.assign(base, { handset: undefined as never })
  Object.assign(account, { handset: createHandset(world, account) })
  world.accounts.set(digits, account)
  world.lids.set(lid, account)
  return account
}
