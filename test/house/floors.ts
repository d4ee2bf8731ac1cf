/** The floors of the house: imports go down or sideways, never up. */

const floors: readonly (readonly string[])[] = [
  [
    "types",
    "errors",
    "refusal",
    "log-words",
    "log-fields",
    "message/recipient",
    "records/utf8",
    "settings/nearest",
    "settings/start-error",
  ],
  [
    ...[
      "clock",
      "log",
      "log-filter",
      "system",
      "ownership",
      "store",
      "atomic",
      "ledger",
      "provider",
      "records/store-probe",
    ],
    "records/sealing",
    ...[
      "route",
      "plugin",
      "plugin-context",
      "stages",
      "views",
      "egress",
      "foresight",
      "metrics",
      "monitor",
      "settings/fields",
      "settings/setting",
      "listen",
    ],
  ],
  [
    ...[
      "background",
      "config",
      "hooks",
      "safe-log",
      "log-storms",
      "load",
      "order",
      "settings",
      "storage",
      "stores",
      "rounds",
      "within",
      "start/version",
      "start/undo",
    ],
    ...[
      "loading/hook-table",
      "loading/plugin-shape",
      "settings/configure",
      "settings/in-force",
      "settings/environment",
      "settings/owners",
    ],
    ...[
      "settings/setting-rules",
      "settings/store-specs",
      "records/foreign-adapter",
      "records/keys",
      "records/values",
      "records/lru",
      "records/foreign-store",
    ],
    ...[
      "records/auth-records",
      "records/auth-codec",
      "records/plain-store",
      "records/sealed-store",
      "records/sealer",
      "records/turns",
    ],
    ...["records/vault", "records/sealed-ledger", "records/ledger/commit-lane", "records/ledger/names"],
    ...["records/ledger/reseal-rows", "records/ledger/sealed-company", "records/ledger/sealed-rows"],
    ...["monitor/totals", "monitor/totals-book", "monitor/totals-ends", "monitor/totals-metrics", "monitor/held"],
    ...[
      "monitor/shelf",
      "monitor/slots",
      "monitor/latencies",
      "monitor/meter",
      "monitor/metered",
      "monitor/house-meter",
    ],
    ...["records/local-ownership", "records/storage-probe", "records/memory-atomic"],
    ...[
      "records/plugin-records",
      "loading/own-hooks",
      "loading/instruments",
      "loading/metric-shape",
      "loading/hook-entries",
    ],
  ],
]
const LINES = 3
const TOP = new Set([
  "app",
  "start/house",
  "loading/plugin-setup",
  "start/prepare",
  "start/requests",
  "start/stores",
  "start/monitoring",
  "start/input",
  "start/survey",
])

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
