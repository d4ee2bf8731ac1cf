import { z } from "@hono/zod-openapi"
import type { Config } from "../core/config.ts"
import { coreErrors, type ErrorSpec } from "../core/errors.ts"
import type { OwnedRoute } from "../core/http/table.ts"
import { listOwners, listVariables, type Variable } from "../core/settings/owners.ts"
import type { MetricSpec, Plugin } from "../core/plugin.ts"

/** The tables of the README and `.env.example`, from what the code itself declares. */

const NONE = "–"
const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")
const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((row) => `| ${row.map(cell).join(" | ")} |`).join("\n")

export const ownPlugins = (config: Config): Plugin[] => config.plugins.filter((plugin) => typeof plugin !== "string")

/** Every variable of the composition, owner by owner. */
function variablesOf(config: Config): Variable[] {
  const provider = config.providers[0]?.name ?? ""
  const { variables } = listVariables(listOwners({ config, plugins: ownPlugins(config), provider }))
  return [...variables.values()]
}

type Field = { readonly owner: { readonly config: z.ZodObject }; readonly key: string }

/** The default as one would write it in the environment, or undefined when there is none. */
function defaultOf({ owner, key }: Field): string | undefined {
  const value: unknown = owner.config.shape[key]?.safeParse(undefined).data
  if (value === undefined || value === "") return undefined
  if (Array.isArray(value)) return value.length === 0 ? undefined : value.join(",")
  return typeof value === "string" ? value : JSON.stringify(value)
}

/** A description stands on the whole field, or on what is inside `.optional()` or `.default()`. */
function meaningOf({ owner, key }: Field): string {
  let field: unknown = owner.config.shape[key]
  while (field instanceof z.ZodType) {
    if (field.description !== undefined) return field.description
    field = "unwrap" in field && typeof field.unwrap === "function" ? (field.unwrap() as unknown) : undefined
  }
  return ""
}

export function settingsTable(config: Config): string {
  const rows = variablesOf(config).map((variable) => {
    const standard = defaultOf(variable)
    const secret = variable.secret ? `; or in a file: \`${variable.name}_FILE\`` : ""
    return [
      `\`${variable.name}\``,
      standard === undefined ? NONE : `\`${standard}\``,
      `${meaningOf(variable)}${secret}`,
      variable.owner.label,
    ]
  })
  return table(["variable", "default", "meaning", "owner"], rows)
}

/** What a store in WHATSAPP_STORES may be given, adapter by adapter. */
export function storesTable(config: Config): string {
  const rows = config.stores.flatMap(({ name, config: options, env = {} }) =>
    Object.keys(options?.shape ?? {}).map((key) => {
      const field: Field = { owner: { config: options as z.ZodObject }, key }
      const standard = defaultOf(field)
      const found = Object.entries(env).find(([, at]) => (typeof at === "string" ? at : at.key) === key)
      const unset = found === undefined ? NONE : `\`${found[0]}\``
      return [`\`${name}\``, `\`${key}\``, standard === undefined ? unset : `\`${standard}\``, meaningOf(field)]
    }),
  )
  return table(["adapter", "option", "default", "meaning"], rows)
}

export function errorsTable(config: Config): string {
  const specs: (readonly [string, ErrorSpec])[] = [
    ...Object.entries(coreErrors),
    ...ownPlugins(config).flatMap((plugin) => Object.entries(plugin.errors ?? {})),
  ]
  const rows = specs
    .sort(([a, one], [b, other]) => one.status - other.status || (a < b ? -1 : 1))
    .map(([code, { status, retryable, message, class: kind }]) => [
      `\`${code}\``,
      String(status),
      retryable === true ? "yes" : "no",
      message,
      kind ?? "OTHER",
    ])
  return table(["code", "status", "retry helps", "message", "counts as"], rows)
}

export function pluginsTable(config: Config): string {
  const plugins = ownPlugins(config)
  const rows = plugins.map(({ name, description, env = {} }) => {
    return [`[${name}](plugins/${name}/README.md)`, description, family(Object.keys(env))]
  })
  const metrics = plugins.flatMap(({ metrics = {} }) => Object.entries<MetricSpec>(metrics))
  const all = table(["plugin", "what it does", "settings"], rows)
  if (metrics.length === 0) return all
  const figures = metrics.map(([name, { kind, labels = {}, help }]) => {
    return [`\`${name}\``, kind, Object.keys(labels).join(", ") || NONE, help]
  })
  return `${all}\n\n${table(["metric", "kind", "labels", "what it counts"], figures)}`
}

/** What the names begin with, if that says more than whose server it is; otherwise the names. */
function family(names: readonly string[]): string {
  const [first = "", ...rest] = names
  if (first === "") return NONE
  let length = first.length
  for (const name of rest) while (!name.startsWith(first.slice(0, length))) length--
  const common = first.slice(0, first.lastIndexOf("_", length - 1) + 1)
  if (rest.length === 0 || common.split("_").length < 3) return names.map((name) => `\`${name}\``).join(" ")
  return `\`${common}*\``
}

/** How a plugin of one's own is put behind those that are there. */
export function enabling(config: Config): string {
  const names = ownPlugins(config).map(({ name }) => name)
  return `\`\`\`sh\nWHATSAPP_PLUGINS=${[...names, "./no-shouting.ts"].join(",")} npm start\n\`\`\``
}

export function routesTable(routes: readonly OwnedRoute[], config: Config): string {
  const path = (text: string): string => `\`${text.replaceAll(/\{(\w+)\}/g, ":$1")}\``
  const built = routes
    .filter(({ route }) => route.spec.documented !== false)
    .map(({ owner, route: { spec } }) => [
      `\`${spec.method.toUpperCase()}\``,
      path(spec.path),
      spec.scope,
      spec.summary,
      owner,
    ])
    .sort(([, a = ""], [, b = ""]) => (a < b ? -1 : a > b ? 1 : 0))
  const later = (config.notBuiltRoutes ?? []).map((spec) => `${spec.method.toUpperCase()} ${path(spec.path)}`)
  return [
    table(["", "path", "key", "what it does", "owner"], built),
    "",
    "Promised and not built yet; these answer 501 `NOT_SUPPORTED` to whoever would be allowed:",
    `${later.join(" · ")}.`,
  ].join("\n")
}

export function envExample(config: Config): string {
  const blocks = new Map<string, string[]>()
  for (const variable of variablesOf(config)) {
    const block = blocks.get(variable.owner.label) ?? []
    block.push(`# ${meaningOf(variable)}`, `# ${variable.name}=${defaultOf(variable) ?? ""}`)
    blocks.set(variable.owner.label, block)
  }
  const text = [...blocks].map(([label, lines]) => `## ${label}\n\n${lines.join("\n")}\n`)
  return `# Copy to .env and take the # from what you change. Made by: npx tsx config/docs.ts\n\n${text.join("\n")}`
}
