import { ENV_FILE, fileVariable, rawValue, type Sources } from "./environment.ts"
import type { Variable } from "./owners.ts"

/** A setting as it is in force. */
export interface SettingInForce {
  readonly variable: string
  /** As it was understood; `***` for a secret that is set, null for what is not set and has no default. */
  readonly value: unknown
  readonly source: "environment" | ".env" | "config file" | "default"
  /** Who declares it: `core`, `plugin api-keys`. */
  readonly owner: string
}

const HIDDEN = "***"

/** Every setting of the owners in use, in the order in which they are declared. `valuesOf` gives an owner's checked values. */
export function settingsInForce(
  variables: Iterable<Variable>,
  sources: Sources,
  valuesOf: (owner: string) => Readonly<Record<string, unknown>> | undefined,
): readonly SettingInForce[] {
  const found: SettingInForce[] = []
  for (const { name, key, secret, owner } of variables) {
    const values = valuesOf(owner.label)
    if (values === undefined) continue
    const value = values[key] ?? null
    const shown = secret && value !== null ? HIDDEN : withoutLogin(value)
    found.push({ variable: name, value: shown, source: sourceOf(sources, name, secret), owner: owner.label })
  }
  return found
}

/** A name and a password in front of a host are secrets wherever they stand. */
function withoutLogin(value: unknown): unknown {
  return typeof value === "string" ? value.replace(/(:\/\/)[^/\s]*@/g, `$1${HIDDEN}@`) : value
}

function sourceOf(sources: Sources, name: string, secret: boolean): SettingInForce["source"] {
  const only = (part: Partial<Sources>): Sources => ({ environment: {}, envFile: {}, configFile: {}, ...part })
  const names = secret ? [name, fileVariable(name)] : [name]
  const says = (part: Partial<Sources>): boolean => names.some((one) => rawValue(only(part), one) !== undefined)
  if (says({ environment: sources.environment })) return "environment"
  if (says({ envFile: sources.envFile })) return ENV_FILE
  return says({ configFile: sources.configFile }) ? "config file" : "default"
}
