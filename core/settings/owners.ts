import { z } from "@hono/zod-openapi"
import type { Config, NotYet } from "../config.ts"
import type { EnvBinding, Plugin, SettingProblem, Surroundings } from "../plugin.ts"
import { coreEnv, coreSettings } from "../settings.ts"

/** Who declares settings: core, a plugin, an adapter, or the list of what is not built yet. */
export interface Owner {
  /** As it stands in messages and in the settings table: `core`, `plugin api-keys`, `provider baileys`. */
  readonly label: string
  readonly config: z.ZodObject
  readonly env: Readonly<Record<string, string | EnvBinding>>
  /** Its settings are used now; those of an owner that is not in use are only known by name. */
  readonly active: boolean
  /** Set for the features that are not built yet. */
  readonly notYet?: NotYet
  check?(config: unknown, surroundings: Surroundings): readonly SettingProblem[]
}

export interface Variable {
  readonly name: string
  readonly key: string
  readonly secret: boolean
  readonly refuseEmpty: boolean
  readonly owner: Owner
}

export interface OwnersInput {
  readonly config: Config
  readonly plugins: readonly Plugin[]
  readonly provider: string
}

type Declares = Pick<Owner, "config" | "env">
const declares = (part: { readonly config?: z.ZodObject; readonly env?: Declares["env"] }): Declares | undefined =>
  part.config === undefined ? undefined : { config: part.config, env: part.env ?? {} }

export function listOwners({ config, plugins, provider }: OwnersInput): Owner[] {
  const owners: Owner[] = [{ label: "core", config: coreSettings, env: coreEnv, active: true }]
  const add = (label: string, part: Declares | undefined, active: boolean, extra?: Pick<Owner, "check" | "notYet">) => {
    if (part !== undefined) owners.push({ label, ...part, active, ...extra })
  }
  for (const plugin of plugins) {
    const { check } = plugin
    const extra =
      check === undefined ? {} : { check: (value: unknown, around: Surroundings) => check(value as never, around) }
    // One without settings of its own may still judge what surrounds it.
    const own = declares(plugin) ?? (check === undefined ? undefined : { config: z.object({}), env: {} })
    add(`plugin ${plugin.name}`, own, true, extra)
  }
  for (const plugin of config.plugins) {
    if (typeof plugin === "string" || plugins.includes(plugin)) continue
    add(`plugin ${plugin.name}`, declares(plugin), false)
  }
  for (const adapter of config.providers) add(`provider ${adapter.name}`, declares(adapter), adapter.name === provider)
  for (const adapter of config.stores) add(`store ${adapter.name}`, declares(adapter), true)
  const { notYet } = config
  if (notYet !== undefined) add("not built yet", notYet, true, { notYet })
  return owners
}

/** Every variable by name; `problems` has those that two owners declare. */
export function listVariables(owners: readonly Owner[]): {
  readonly variables: ReadonlyMap<string, Variable>
  readonly problems: readonly SettingProblem[]
} {
  const variables = new Map<string, Variable>()
  const problems: SettingProblem[] = []
  for (const owner of owners) {
    for (const [name, binding] of Object.entries(owner.env)) {
      const { key, secret = false, refuseEmpty = false } = typeof binding === "string" ? { key: binding } : binding
      const other = variables.get(name)
      if (other !== undefined) {
        const message = `is declared by two owners: ${other.owner.label} and ${owner.label}`
        problems.push({ variable: name, message })
      } else variables.set(name, { name, key, secret, refuseEmpty, owner })
    }
  }
  return { variables, problems }
}
