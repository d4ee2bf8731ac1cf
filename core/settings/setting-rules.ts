import type { Config } from "../config.ts"
import { fileVariable, rawValue, type Sources } from "./environment.ts"
import { nearest } from "./nearest.ts"
import type { Owner, Variable } from "./owners.ts"
import type { Plugin, SettingProblem } from "../plugin.ts"
import type { CoreSettings } from "../settings.ts"

const error = (variable: string, message: string): SettingProblem => ({ variable, message })
const warning = (variable: string, message: string): SettingProblem => ({ variable, message, severity: "warning" })

/** True for an address that only this machine can reach. */
export function isLoopback(host: string): boolean {
  const bare = host.toLowerCase().replace(/^\[(.*)\]$/, "$1")
  return bare === "localhost" || bare === "::1" || /^127(\.\d{1,3}){3}$/.test(bare)
}

/** Names that nobody declares, and names whose owner is not in use. */
export function unknownNames(sources: Sources, variables: ReadonlyMap<string, Variable>): SettingProblem[] {
  const known = new Set(variables.keys())
  for (const { name, secret } of variables.values()) if (secret) known.add(fileVariable(name))

  const found: SettingProblem[] = []
  const ambient = new Set([...Object.keys(sources.environment), ...Object.keys(sources.envFile)])
  for (const name of ambient) {
    if (name.startsWith("WHATSAPP_") && !known.has(name))
      found.push(warning(name, `is not known${nearest(name, known)}`))
  }
  for (const name of Object.keys(sources.configFile)) {
    if (!known.has(name)) found.push(error(name, `in the config file: is not known${nearest(name, known)}`))
  }
  for (const { name, owner } of variables.values()) {
    if (owner.active || rawValue(sources, name) === undefined) continue
    found.push(warning(name, `belongs to the ${owner.label}, which is not in use`))
  }
  return found
}

/** Rules of the house that span settings. */
export function houseRules(core: CoreSettings, config: Config, plugins: readonly Plugin[]): SettingProblem[] {
  const found: SettingProblem[] = []
  if (!core.multiTenant && core.defaultCompanyId === undefined) {
    found.push(error("DEFAULT_COMPANY_ID", "is needed when WHATSAPP_MULTI_TENANT is false: the id of the one company"))
  }
  if (core.multiTenant && core.defaultCompanyId !== undefined) {
    found.push(warning("DEFAULT_COMPANY_ID", "has no effect while WHATSAPP_MULTI_TENANT is true"))
  }
  if (!isLoopback(core.host) && !plugins.some((plugin) => plugin.guardsPublicHost === true)) {
    const remedy = "a plugin that identifies callers, such as api-keys with WHATSAPP_API_KEY"
    found.push(error("HOST", `an address other than loopback needs ${remedy}`))
  }
  found.push(...oneOf("WHATSAPP_PROVIDER", core.provider, config.providers))
  return found
}

function oneOf(variable: string, value: string, installed: readonly { readonly name: string }[]): SettingProblem[] {
  if (installed.some(({ name }) => name === value)) return []
  return [error(variable, `expected one of ${installed.map(({ name }) => name).join(", ")}`)]
}

/** What is said about variables whose feature is not built yet; `given` has those that are set, `values` all. */
export function notBuilt(
  { notYet, config }: Owner,
  own: readonly Variable[],
  given: Readonly<Record<string, unknown>>,
  values: Readonly<Record<string, unknown>>,
): SettingProblem[] {
  if (notYet === undefined) return []
  const defaults = (config.safeParse({}).data ?? {}) as Readonly<Record<string, unknown>>
  return own.flatMap(({ name, key, secret }) => {
    if (given[key] === undefined) return []
    const standard = defaults[key]
    const same = JSON.stringify(values[key]) === JSON.stringify(standard)
    if (same && notYet.kept.includes(name)) return []
    if (same || !notYet.unsafe.includes(name)) return [warning(name, "is not built yet and has no effect")]
    const remedy = standard === undefined || secret ? "leave it out" : `leave it out or at ${JSON.stringify(standard)}`
    return [error(name, `is not built yet, and starting without it would be less safe than asked for; ${remedy}`)]
  })
}
