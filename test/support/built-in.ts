import standard from "../../config/switchboard.config.ts"
import type { Plugin } from "../../core/plugin.ts"

/**
 * Plugins of this server by name, in the order of its config; one that has been taken out of the config is left out. Tests
 * that are not a plugin's own get it from here, so that they do not keep it from being removed.
 */
export function builtIn(...names: readonly string[]): readonly Plugin[] {
  const plugins = standard.plugins.filter((plugin) => typeof plugin !== "string")
  return plugins.filter(({ name }) => names.includes(name))
}

/** One of them; throws when it has been taken out. */
export function theBuiltIn(name: string): Plugin {
  const [found] = builtIn(name)
  if (found === undefined) throw new Error(`This test needs the plugin ${name}, which is not in the config`)
  return found
}
