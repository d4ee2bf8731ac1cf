import { appError } from "../errors.ts"
import type { ApiRoute, NotBuiltRoute, RouteSpec } from "../route.ts"

/** The table of routes: who owns what, in which order it is matched, and what is only promised. */

export interface OwnedRoute {
  /** `core`, or the plugin's name. */
  readonly owner: string
  readonly route: ApiRoute
}

const SCOPES: ReadonlySet<string> = new Set(["send", "read", "session", "admin", "operator", "none"])
const METHODS: ReadonlySet<string> = new Set(["get", "post", "put", "patch", "delete"])
const PATH = /^(\/([A-Za-z0-9._-]+|\{[A-Za-z]+\}))+$/

/** What is wrong with these routes; each sentence stops the start. */
export function routeProblems(routes: readonly OwnedRoute[]): string[] {
  const problems: string[] = []
  const owners = new Map<string, string>()
  for (const { owner, route } of routes) {
    const { method, path, scope, company } = route.spec
    const name = `${owner}: ${method.toUpperCase()} ${path}`
    if (!METHODS.has(method)) problems.push(`${name}: unknown method`)
    if (!PATH.test(path)) problems.push(`${name}: a path is /words and {parameters}`)
    if (!SCOPES.has(scope)) problems.push(`${name}: a route names the scope it needs: ${[...SCOPES].join(", ")}`)
    if (company === "path" && !path.includes("{companyId}")) problems.push(`${name}: the path has no {companyId}`)
    if (company === "body" && method === "get") problems.push(`${name}: GET has no body to name a company in`)
    const key = keyOf(route.spec)
    const other = owners.get(key)
    if (other === undefined) owners.set(key, owner)
    else problems.push(`${name}: ${other} has this method and path already`)
  }
  return problems
}

/** Routes in the order of matching: a word before a parameter, so that `/metrics/rate` is never taken for a company. */
export function inOrder(routes: readonly OwnedRoute[]): OwnedRoute[] {
  const weight = (path: string): string => path.replace(/\{[^}]*\}/g, "\u{10FFFF}")
  return [...routes].sort((a, b) => (weight(a.route.spec.path) < weight(b.route.spec.path) ? -1 : 1))
}

/** The promised routes that nobody has mounted, as routes. */
export function promised(notBuilt: readonly NotBuiltRoute[], mounted: readonly OwnedRoute[]): OwnedRoute[] {
  const taken = new Set(mounted.map(({ route }) => keyOf(route.spec)))
  return notBuilt
    .filter((entry) => !taken.has(keyOf(entry)))
    .map((entry) => ({
      owner: "core",
      route: {
        spec: { ...entry, summary: "Not built yet", tag: "Later", responses: {}, documented: false },
        handle() {
          throw appError("NOT_SUPPORTED")
        },
      },
    }))
}

/** Methods that stand at a path, for `Allow`; empty for an unknown path. */
export function createAllowed(routes: readonly OwnedRoute[]): (path: string) => string {
  const byPath = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>()
  for (const { route } of routes) {
    const { path, method } = route.spec
    const source = path.replaceAll(".", "\\.").replace(/\{[^}]*\}/g, "[^/]+")
    const entry = byPath.get(source) ?? { pattern: new RegExp(`^${source}$`), methods: new Set<string>() }
    entry.methods.add(method.toUpperCase())
    if (method === "get") entry.methods.add("HEAD")
    byPath.set(source, entry)
  }
  return (path) => {
    const methods = new Set<string>()
    for (const entry of byPath.values()) if (entry.pattern.test(path)) for (const m of entry.methods) methods.add(m)
    return methods.size === 0 ? "" : [...methods, "OPTIONS"].join(", ")
  }
}

const keyOf = ({ method, path }: Pick<RouteSpec, "method" | "path">): string =>
  `${method} ${path.replace(/\{[^}]*\}/g, "{}")}`
