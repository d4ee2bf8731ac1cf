import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, isAbsolute, join, resolve } from "node:path"
import { fileURLToPath, pathToFileURL } from "node:url"

/** The default export of a module: a path relative to `folder`, or the name of a package installed for `folder`. */
export async function loadDefault(specifier: string, folder: string): Promise<unknown> {
  const module = await importFile(await locate(specifier, folder))
  const found = defaultOf(module)
  if (found === undefined) throw new Error("it has no default export")
  // TypeScript beside a package.json that does not say "module" is loaded as CommonJS, with the export one step down.
  return isTranspiled(found) ? defaultOf(found) : found
}

const defaultOf = (module: unknown): unknown =>
  typeof module === "object" && module !== null && "default" in module ? module.default : undefined

const isTranspiled = (value: unknown): boolean => typeof value === "object" && value !== null && "__esModule" in value

async function locate(specifier: string, folder: string): Promise<string> {
  if (specifier.startsWith("file:")) return fileURLToPath(specifier)
  if (specifier.startsWith(".") || isAbsolute(specifier)) return resolve(folder, specifier)
  const { name, path } = split(specifier)
  const found = await packageFolder(name, folder)
  return join(found.folder, path === "" ? entry(found.manifest) : inside(found.manifest, path))
}

/** `unstorage/drivers/fs` is the file `drivers/fs` of the package `unstorage`. */
function split(specifier: string): { readonly name: string; readonly path: string } {
  const parts = specifier.split("/")
  const length = specifier.startsWith("@") ? 2 : 1
  return { name: parts.slice(0, length).join("/"), path: parts.slice(length).join("/") }
}

interface Manifest {
  readonly main?: unknown
  readonly exports?: unknown
}

/**
 * Looks for an installed package from `folder` upwards. Node's own resolver knows only packages next to the importing
 * file, which is not where the operator installs plugins, or only those that `require` may load.
 */
async function packageFolder(
  name: string,
  folder: string,
): Promise<{ readonly folder: string; readonly manifest: Manifest }> {
  for (const base of [folder, dirname(fileURLToPath(import.meta.url))]) {
    for (const modules of createRequire(join(base, "index.js")).resolve.paths(name) ?? []) {
      const text = await readFile(join(modules, name, "package.json"), "utf8").catch(missing)
      if (text !== undefined) return { folder: join(modules, name), manifest: JSON.parse(text) as Manifest }
    }
  }
  throw new Error(`no package of that name is installed`)
}

function missing(thrown: unknown): undefined {
  const { code } = thrown as NodeJS.ErrnoException
  if (code === "ENOENT" || code === "ENOTDIR") return undefined
  throw thrown
}

/** The file that a package's main entry stands in. */
function entry({ exports, main }: Manifest): string {
  const target = exports === undefined ? undefined : pick(subpath(exports))
  return target ?? (typeof main === "string" ? main : "index.js")
}

/** What a package lets others load beside its main entry; `*` in its manifest stands for any text. */
function inside({ exports }: Manifest, path: string): string {
  if (typeof exports === "object" && exports !== null) {
    for (const [pattern, target] of Object.entries(exports)) {
      const [before = "", after] = pattern.split("*")
      const wanted = `./${path}`
      const fits = after === undefined ? wanted === pattern : wanted.startsWith(before) && wanted.endsWith(after)
      const file = fits ? pick(target) : undefined
      const star = wanted.slice(before.length, wanted.length - (after ?? "").length)
      if (file !== undefined) return file.replaceAll("*", star)
    }
  }
  throw new Error(`the package does not offer ${path}`)
}

const subpath = (exports: unknown): unknown =>
  typeof exports === "object" && exports !== null && "." in exports ? exports["."] : exports

function pick(target: unknown): string | undefined {
  if (typeof target === "string") return target
  if (Array.isArray(target)) return target.map(pick).find((found) => found !== undefined)
  if (typeof target !== "object" || target === null) return undefined
  for (const [condition, nested] of Object.entries(target)) {
    if (!["import", "node", "module-sync", "default"].includes(condition)) continue
    const found = pick(nested)
    if (found !== undefined) return found
  }
  return undefined
}

async function importFile(path: string): Promise<unknown> {
  const url = pathToFileURL(path).href
  try {
    return (await import(url)) as unknown
  } catch (thrown) {
    // Node below 22.18 does not read TypeScript by itself.
    if ((thrown as NodeJS.ErrnoException).code !== "ERR_UNKNOWN_FILE_EXTENSION") throw thrown
    const { tsImport } = await import("tsx/esm/api")
    return (await tsImport(url, import.meta.url)) as unknown
  }
}

/** Bytes of a file inside an installed package. */
export async function readPackageFile(name: string, file: string, folder: string): Promise<Uint8Array> {
  const found = await packageFolder(name, folder)
  return new Uint8Array(await readFile(join(found.folder, file)))
}
