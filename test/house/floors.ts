/** The floors of the house: imports go down or sideways, never up. */

const floors: readonly (readonly string[])[] = [
  ["types", "errors", "refusal", "utf8", "nearest", "start-error"],
  [
    "clock",
    "log",
    "system",
    "egress",
    "ownership",
    "store",
    "ledger",
    "provider",
    "route",
    "plugin",
    "fields",
    "setting",
    "listen",
  ],
  [
    "background",
    "config",
    "configure",
    "environment",
    "hook-table",
    "hooks",
    "keys",
    "load",
    "local-ownership",
    "lru",
    "order",
    "owners",
    "plugin-shape",
    "storage-probe",
    "within",
    "setting-rules",
    "settings",
    "storage",
    "undo",
    "values",
    "version",
  ],
]
const LINES = 3
const TOP = new Set(["app", "house", "plugin-setup", "prepare", "requests"])

/** The floor of a file of `core/`; what is not listed lower stands with the lines and their pipelines. */
export function floorOf(file: string): number {
  if (file.startsWith("core/serve/")) return 6
  if (file.startsWith("core/http/") || file.startsWith("core/routes/")) return 4
  const name = file.slice("core/".length, -".ts".length)
  if (TOP.has(name)) return 5
  const listed = floors.findIndex((names) => names.includes(name))
  return listed === -1 ? LINES : listed
}

/** What adapters may import of core: the nouns and the ports. */
export const isPort = (file: string): boolean => file.startsWith("core/") && floorOf(file) <= 1
