import type { HookKind } from "../plugin.ts"
import { nearest } from "../settings/nearest.ts"
import { type HookRule, hookTable } from "./hook-table.ts"

/** Which hooks there are, and who stands at each. */

export interface HookListing {
  readonly name: string
  readonly kind: HookKind
  /** By name; one that has several handlers there is named as often. */
  readonly plugins: readonly string[]
}

/** A handler at a hook. */
export interface Entry {
  readonly plugin: string
  readonly name: string
  readonly rule: HookRule
  readonly run: Run
}

export type Run = (...input: readonly unknown[]) => unknown

export interface HookEntries {
  /** In the order in which they run; undefined where nobody stands. */
  at(name: string): readonly Entry[] | undefined
  has(name: string): boolean
  declare(plugin: string, name: string, kind: HookKind): void
  add(plugin: string, name: string, run: Run): void
  freeze(): void
  list(): readonly HookListing[]
}

export function createHookEntries(): HookEntries {
  const rules = new Map<string, HookRule>(Object.entries(hookTable))
  const entries = new Map<string, Entry[]>()
  let frozen = false

  return {
    at: (name) => entries.get(name),
    has: (name) => entries.has(name),
    declare(plugin, name, kind) {
      if (rules.has(name)) throw new Error(`Plugin ${plugin}: the hook ${name} exists already`)
      rules.set(name, { kind })
    },
    add(plugin, name, run) {
      const rule = rules.get(name)
      if (rule === undefined)
        throw new Error(`Plugin ${plugin}: there is no hook ${name}${nearest(name, rules.keys())}`)
      if (typeof run !== "function") throw new Error(`Plugin ${plugin}: the handler of ${name} is not a function`)
      if (frozen) throw new Error(`Plugin ${plugin}: ${name} came after the start; add hooks in setup`)
      const list = entries.get(name) ?? []
      if (rule.kind === "collect" && list.some((entry) => entry.plugin === plugin)) {
        throw new Error(`Plugin ${plugin}: ${name} has a handler of this plugin already`)
      }
      const entry = { plugin, name, rule, run }
      if (name.endsWith(":open")) list.unshift(entry)
      else list.push(entry)
      entries.set(name, list)
    },
    freeze: () => void (frozen = true),
    list: () =>
      [...rules].map(([name, { kind }]) => ({
        name,
        kind,
        plugins: (entries.get(name) ?? []).map(({ plugin }) => plugin),
      })),
  }
}
