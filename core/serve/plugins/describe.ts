import type { MetricSpec, Plugin } from "../../plugin.ts"
import type { Survey } from "../../start/survey.ts"

/** What is loaded, as plain values: names and sentences, and no value of any setting. */
export interface Described {
  /** In the order in which each stage asks them. */
  readonly plugins: readonly DescribedPlugin[]
  /** Hooks at which somebody stands, with their plugins in running order. */
  readonly stages: readonly DescribedStage[]
  readonly warnings: readonly string[]
}

export interface DescribedPlugin {
  readonly name: string
  readonly description: string
  readonly after: readonly string[]
  readonly needs: readonly string[]
  readonly wants: readonly string[]
  readonly provides: readonly string[]
  readonly settings: readonly { readonly variable: string; readonly meaning: string; readonly secret: boolean }[]
  readonly companySettings: readonly { readonly name: string; readonly meaning: string; readonly secret: boolean }[]
  readonly errors: readonly { readonly code: string; readonly status: number; readonly message: string }[]
  readonly metrics: readonly {
    readonly name: string
    readonly kind: string
    readonly labels: readonly string[]
    readonly help: string
  }[]
  readonly routes: readonly {
    readonly method: string
    readonly path: string
    readonly scope: string
    readonly summary: string
  }[]
  /** Where it stands. */
  readonly hooks: readonly string[]
  /** Hooks that it declares and runs itself. */
  readonly ownHooks: readonly { readonly name: string; readonly kind: string }[]
}

export interface DescribedStage {
  readonly name: string
  readonly kind: string
  /** `core`, or the plugin that declares it. */
  readonly owner: string
  readonly plugins: readonly string[]
}

export function describe(survey: Survey): Described {
  const { plugins, hooks } = survey
  const names = new Set(plugins.map(({ name }) => name))
  const ownerOf = (hook: string): string => plugins.find(({ hooks = {} }) => Object.hasOwn(hooks, hook))?.name ?? "core"
  const stages = hooks.map(({ name, kind, plugins: at }) => {
    // The house listens to itself in places; that is nobody's plugin.
    return { name, kind, owner: ownerOf(name), plugins: at.filter((plugin) => names.has(plugin)) }
  })
  return {
    plugins: plugins.map((plugin) => describePlugin(plugin, survey)),
    stages: stages.filter(({ plugins: at }) => at.length > 0),
    warnings: survey.warnings,
  }
}

function describePlugin(plugin: Plugin, { variables, routes, hooks }: Survey): DescribedPlugin {
  const { name, description, after = [], needs = [], wants = [], provides = [] } = plugin
  const mine = variables.filter(({ owner }) => owner.label === `plugin ${name}`)
  const metrics = Object.entries<MetricSpec>(plugin.metrics ?? {})
  return {
    name,
    description,
    after,
    needs,
    wants,
    provides,
    settings: mine.map(({ name: variable, key, secret, owner }) => {
      return { variable, meaning: meaningOf(owner.config.shape[key]), secret }
    }),
    companySettings: Object.entries(plugin.companySettings ?? {}).map(([setting, { description, secret }]) => {
      return { name: setting, meaning: description, secret: secret === true }
    }),
    errors: Object.entries(plugin.errors ?? {}).map(([code, { status, message }]) => ({ code, status, message })),
    metrics: metrics.map(([metric, { kind, help, labels = {} }]) => {
      return { name: metric, kind, labels: Object.keys(labels), help }
    }),
    routes: routes
      .filter(({ owner }) => owner === name)
      .map(({ route: { spec } }) => {
        const { method, path, scope, summary } = spec
        return { method: method.toUpperCase(), path, scope, summary }
      }),
    hooks: hooks.filter(({ plugins }) => plugins.includes(name)).map((hook) => hook.name),
    ownHooks: Object.entries(plugin.hooks ?? {}).map(([hook, kind]) => ({ name: hook, kind })),
  }
}

/** A description stands on the whole field, or on what is inside `.optional()` or `.default()`. */
function meaningOf(field: unknown): string {
  for (let at = field; typeof at === "object" && at !== null; ) {
    if ("description" in at && typeof at.description === "string") return at.description
    if (!("unwrap" in at) || typeof at.unwrap !== "function") return ""
    at = at.unwrap() as unknown
  }
  return ""
}
