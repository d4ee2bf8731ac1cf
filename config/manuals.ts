import type { OwnedRoute } from "../core/http/table.ts"
import type { Plugin } from "../core/plugin.ts"

/** What every plugin's README.md must name, so that it tells of all that the plugin has. */

/** One line for each thing that a README does not name; `read` gives its text, undefined when there is none. */
export async function missingInManuals(
  plugins: readonly Plugin[],
  routes: readonly OwnedRoute[],
  read: (file: string) => Promise<string | undefined>,
): Promise<string[]> {
  const missing: string[] = []
  for (const plugin of plugins) {
    const file = `plugins/${plugin.name}/README.md`
    const text = await read(file)
    if (text === undefined) missing.push(`${file} is missing`)
    else
      missing.push(
        ...thingsOf(plugin, routes)
          .filter((thing) => !names(text, thing))
          .map((thing) => `${file} does not name ${thing}`),
      )
  }
  return missing
}

function thingsOf(plugin: Plugin, routes: readonly OwnedRoute[]): string[] {
  const declared = [plugin.env, plugin.companySettings, plugin.errors, plugin.metrics, plugin.hooks]
  const paths = routes
    .filter(({ owner, route }) => owner === plugin.name && route.spec.documented !== false)
    .map(({ route }) => route.spec.path)
  return [...declared.flatMap((things) => Object.keys(things ?? {})), ...(plugin.provides ?? []), ...new Set(paths)]
}

/** Parameters may be written `:name` or `{name}`, and `/api/whatsapp` left out. */
function names(text: string, thing: string): boolean {
  const spelt = [thing, thing.replace(/^\/api\/whatsapp/, "")]
  return spelt.some((form) => contains(text, form) || contains(text, form.replaceAll(/\{(\w+)\}/g, ":$1")))
}

/** As a whole word: a longer name does not name a shorter one. */
function contains(text: string, word: string): boolean {
  const escaped = word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
  return new RegExp(`(?<![\\w{:/-])${escaped}(?![\\w{:/-])`).test(text)
}
