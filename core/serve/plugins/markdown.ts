import type { Described, DescribedPlugin } from "./describe.ts"

type Row = readonly [what: string, name: string, meaning: string]

/** A section with a table for each plugin, to be put into one's own documentation. */
export function asMarkdown({ plugins }: Described): string {
  return plugins.map((plugin) => `## ${plugin.name}\n\n${plugin.description}${table(rowsOf(plugin))}`).join("\n\n")
}

function rowsOf(plugin: DescribedPlugin): Row[] {
  const secret = (hidden: boolean): string => (hidden ? "; secret" : "")
  return [
    ...plugin.settings.map((one): Row => ["setting", one.variable, `${one.meaning}${secret(one.secret)}`]),
    ...plugin.companySettings.map((one): Row => ["company setting", one.name, `${one.meaning}${secret(one.secret)}`]),
    ...plugin.routes.map((one): Row => ["route", `${one.method} ${one.path}`, `${one.summary} (key: ${one.scope})`]),
    ...plugin.errors.map((one): Row => ["error", one.code, `${one.status}: ${one.message}`]),
    ...plugin.metrics.map((one): Row => ["metric", one.name, `${one.help} (${[one.kind, ...one.labels].join(", ")})`]),
    ...plugin.ownHooks.map((one): Row => ["hook", one.name, `a ${one.kind} that it runs itself`]),
    ...plugin.provides.map((one): Row => ["service", one, "that other plugins may need"]),
  ]
}

function table(rows: readonly Row[]): string {
  if (rows.length === 0) return ""
  const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")
  const lines = rows.map(([what, name, meaning]) => `| ${what} | \`${cell(name)}\` | ${cell(meaning)} |`)
  return ["\n", "| | name | meaning |", "| --- | --- | --- |", ...lines].join("\n")
}
