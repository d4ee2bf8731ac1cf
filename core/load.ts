import { toError } from "./errors.ts"
import { nearest } from "./settings/nearest.ts"
import type { Plugin } from "./plugin.ts"
import { isPlugin, pluginFaults } from "./loading/plugin-shape.ts"
import type { System } from "./system.ts"

export interface Loaded {
  readonly plugins: readonly Plugin[]
  /** One line for each plugin that could not be loaded, by the name it was asked for. */
  readonly problems: readonly string[]
}

export interface LoadInput {
  /** The config file's list. */
  readonly given: readonly (Plugin | string)[]
  /** WHATSAPP_PLUGINS, which takes the place of that list; names in it find the list's own plugins first. */
  readonly chosen: readonly string[] | undefined
  readonly system: Pick<System, "loadModule">
}

/** Plugins from objects, paths and npm package names, each checked for its shape. */
export async function loadPlugins({ given, chosen, system }: LoadInput): Promise<Loaded> {
  const known = new Map<string, Plugin>()
  for (const item of given) if (isPlugin(item)) known.set(item.name, item)
  const wanted = chosen?.map((name) => known.get(name) ?? name) ?? given

  const plugins: Plugin[] = []
  const problems: string[] = []
  for (const item of wanted) {
    const label = typeof item === "string" ? item : (item?.name ?? "(without a name)")
    const found = typeof item === "string" ? await load(item, known.keys(), system) : { value: item as unknown }
    const faults = "fault" in found ? [found.fault] : pluginFaults(found.value)
    if (faults.length === 0 && "value" in found) plugins.push(found.value as Plugin)
    else problems.push(...faults.map((fault) => `Plugin ${label}: ${fault}`))
  }
  return { plugins, problems }
}

async function load(
  specifier: string,
  known: Iterable<string>,
  system: Pick<System, "loadModule">,
): Promise<{ readonly value: unknown } | { readonly fault: string }> {
  try {
    return { value: await system.loadModule(specifier) }
  } catch (thrown) {
    return { fault: `cannot be loaded (${toError(thrown).message})${nearest(specifier, known)}` }
  }
}
