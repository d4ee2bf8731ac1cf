import type { Plugin } from "./plugin.ts"

export interface Ordered {
  readonly plugins: readonly Plugin[]
  /** One line each, naming the plugins; not empty when the start must stop. */
  readonly problems: readonly string[]
}

/**
 * Sorts plugins so that each stands behind those it comes `after` and those that provide what it `needs` or `wants`. Plugins that
 * do not depend on each other keep the order they were given in.
 */
export function orderPlugins(given: readonly Plugin[]): Ordered {
  const problems = clashes(given)
  const byName = new Map(given.map((plugin) => [plugin.name, plugin]))
  const provider = new Map(
    given.flatMap((plugin) => (plugin.provides ?? []).map((service) => [service, plugin] as const)),
  )

  const before = new Map<Plugin, Set<Plugin>>()
  for (const plugin of given) {
    const earlier = new Set<Plugin>()
    for (const service of plugin.needs ?? []) {
      const source = provider.get(service)
      if (source === undefined) problems.push(`Plugin ${plugin.name} needs ${service}, which no plugin provides`)
      else earlier.add(source)
    }
    for (const service of plugin.wants ?? []) {
      const source = provider.get(service)
      if (source !== undefined) earlier.add(source)
    }
    for (const name of plugin.after ?? []) {
      const other = byName.get(name)
      if (other !== undefined) earlier.add(other)
    }
    before.set(plugin, earlier)
  }

  const plugins: Plugin[] = []
  const waiting = new Set(given)
  const ready = (plugin: Plugin): boolean => [...(before.get(plugin) ?? [])].every((other) => !waiting.has(other))
  while (waiting.size > 0) {
    const next = [...waiting].find(ready)
    if (next === undefined) {
      problems.push(`Plugins wait for each other: ${circle(waiting, before).join(" after ")}`)
      break
    }
    waiting.delete(next)
    plugins.push(next)
  }
  return { plugins, problems }
}

/** The names along one circle, the first again at the end. Every plugin in `waiting` has one in there before it. */
function circle(waiting: ReadonlySet<Plugin>, before: ReadonlyMap<Plugin, ReadonlySet<Plugin>>): string[] {
  const path: Plugin[] = []
  let at = [...waiting][0] as Plugin
  while (!path.includes(at)) {
    path.push(at)
    at = [...(before.get(at) ?? [])].find((other) => waiting.has(other)) as Plugin
  }
  return [...path.slice(path.indexOf(at)), at].map((plugin) => plugin.name)
}

/** Names that two plugins claim. */
function clashes(given: readonly Plugin[]): string[] {
  const problems: string[] = []
  const owners = new Map<string, string>()
  for (const { name, provides = [], errors = {}, hooks = {}, metrics = {} } of given) {
    if (owners.has(`plugin ${name}`)) problems.push(`Plugin ${name} is there twice`)
    owners.set(`plugin ${name}`, name)
    const claims = [
      ...provides.map((service) => `provide the service ${service}`),
      ...Object.keys(errors).map((code) => `declare the error code ${code}`),
      ...Object.keys(hooks).map((hook) => `declare the hook ${hook}`),
      ...Object.keys(metrics).map((metric) => `declare the metric ${metric}`),
    ]
    for (const claim of claims) {
      const other = owners.get(claim)
      if (other !== undefined) problems.push(`Plugins ${other} and ${name} both ${claim}`)
      owners.set(claim, name)
    }
  }
  return problems
}
