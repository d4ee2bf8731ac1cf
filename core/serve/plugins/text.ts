import type { Described, DescribedPlugin } from "./describe.ts"

/** For people at a terminal. */
export function asText({ plugins, stages }: Described): string {
  const width = Math.max(0, ...stages.map(({ name }) => name.length))
  return [
    "Plugins, in the order in which each stage asks them",
    ...plugins.flatMap((plugin, at) => ["", `${at + 1}. ${plugin.name}: ${plugin.description}`, ...lines(plugin)]),
    "",
    "Stages, with those who stand there in running order",
    "",
    ...stages.map(({ name, kind, owner, plugins: at }) => {
      const whose = owner === "core" ? "" : ` (of ${owner})`
      return `  ${name.padEnd(width)}  ${kind.padEnd(9)}  ${at.join(" → ")}${whose}`
    }),
  ].join("\n")
}

function lines(plugin: DescribedPlugin): string[] {
  const secret = (hidden: boolean): string => (hidden ? " (secret)" : "")
  const rows: readonly (readonly [string, readonly string[]])[] = [
    ["after", plugin.after],
    ["needs", plugin.needs],
    ["wants", plugin.wants],
    ["provides", plugin.provides],
    ["settings", plugin.settings.map((one) => `${one.variable}${secret(one.secret)}`)],
    ["company settings", plugin.companySettings.map((one) => `${one.name}${secret(one.secret)}`)],
    ["error codes", plugin.errors.map(({ code, status }) => `${code} (${status})`)],
    ["metrics", plugin.metrics.map(({ name, kind, labels }) => `${name}${braced(labels)} (${kind})`)],
    ["routes", plugin.routes.map(({ method, path, scope }) => `${method} ${path} (${scope})`)],
    ["hooks of its own", plugin.ownHooks.map(({ name, kind }) => `${name} (${kind})`)],
    ["stands at", plugin.hooks],
  ]
  const shown = rows.filter(([, values]) => values.length > 0)
  const width = Math.max(0, ...shown.map(([label]) => label.length))
  return shown.flatMap(([label, values]) =>
    values.map((value, at) => `   ${(at === 0 ? label : "").padEnd(width)}  ${value}`),
  )
}

const braced = (labels: readonly string[]): string => (labels.length === 0 ? "" : `{${labels.join(",")}}`)
