import { z } from "@hono/zod-openapi"
import type { Config, NamedStore } from "../config.ts"
import type { SettingProblem } from "./setting.ts"
import type { StorageAdapter } from "../store.ts"

/** A store as it is set up: which adapter, and the options it is opened with. */
export interface StoreSpec {
  readonly name: string
  readonly adapter: StorageAdapter
  readonly options: Readonly<Record<string, unknown>>
}

export interface StoreSpecs {
  readonly specs: ReadonlyMap<string, StoreSpec>
  readonly problems: readonly SettingProblem[]
}

type Options = Readonly<Record<string, unknown>>

const NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/
const SHAPE = 'expected a JSON object such as {"archive":{"adapter":"s3","bucket":"lines"}}'

/** WHATSAPP_STORES, as text or as the object that a config file gives. */
export const storesSetting = z.preprocess(
  (value) => {
    if (typeof value !== "string") return value
    try {
      return JSON.parse(value) as unknown
    } catch {
      // Not JSON, which the shape says below; the text may hold secrets.
      return undefined
    }
  },
  z.record(z.string(), z.looseObject({ adapter: z.string() }), { error: SHAPE }),
)

/**
 * Every store by name: the adapters that have all they need from their own settings, and what WHATSAPP_STORES names.
 * `own` gives an adapter's own settings, which are also the defaults of named stores of its kind.
 */
export function storeSpecs(
  config: Pick<Config, "stores" | "namedStores">,
  named: Readonly<Record<string, NamedStore>>,
  standard: string,
  own: (adapter: StorageAdapter) => Options,
): StoreSpecs {
  const specs = new Map<string, StoreSpec>()
  const problems: SettingProblem[] = []
  const problem = (variable: string, message: string): void => void problems.push({ variable, message })

  for (const adapter of config.stores) {
    const options = own(adapter)
    const missing = lacking(adapter, options)
    if (adapter.onlyByName === true && adapter.name !== standard) continue
    if (missing.length === 0) specs.set(adapter.name, { name: adapter.name, adapter, options })
    else if (adapter.name === standard && !Object.hasOwn(named, standard)) {
      for (const key of missing) problem(variableOf(adapter, key), `is needed by WHATSAPP_STORAGE=${standard}`)
    }
  }

  for (const [name, { adapter: kind, ...given }] of Object.entries({ ...config.namedStores, ...named })) {
    const at = `WHATSAPP_STORES: ${NAME.test(name) ? name : "a name"}`
    const adapter = config.stores.find((one) => one.name === kind)
    if (!NAME.test(name)) problem(at, "expected lower-case letters, digits, _ and -, at most 63, beginning with one")
    else if (adapter === undefined) {
      problem(at, `adapter: expected one of ${config.stores.map((one) => one.name).join(", ")}`)
    } else {
      const read = readOptions(adapter, given)
      for (const message of read.faults) problem(at, message)
      const options = { ...own(adapter), ...read.options }
      for (const key of lacking(adapter, options)) {
        const variable = variableOf(adapter, key)
        problem(at, `${key}: is needed${variable === key ? "" : ` (or ${variable} for all stores of this kind)`}`)
      }
      specs.set(name, { name, adapter, options })
    }
  }

  const broken = problems.some(({ variable }) => variable === `WHATSAPP_STORES: ${standard}`)
  const known = specs.has(standard) || broken || config.stores.some(({ name }) => name === standard)
  const apart = config.stores.filter(({ onlyByName }) => onlyByName === true).map(({ name }) => name)
  const choices = new Set([...specs.keys(), ...apart])
  if (!known) problem("WHATSAPP_STORAGE", `expected one of ${[...choices].join(", ")}`)
  return { specs, problems }
}

function lacking(adapter: StorageAdapter, options: Options): string[] {
  return (adapter.needs ?? []).filter((key) => options[key] === undefined)
}

/** The environment variable of an option; the option itself when it has none. */
export function variableOf(adapter: StorageAdapter, key: string): string {
  const found = Object.entries(adapter.env ?? {}).find(([, at]) => (typeof at === "string" ? at : at.key) === key)
  return found?.[0] ?? key
}

/** The options that were given, each checked; what was not given is left to the adapter's own settings. */
function readOptions(adapter: StorageAdapter, given: Options): { options: Options; faults: string[] } {
  const shape: Readonly<Record<string, z.ZodType>> = adapter.config?.shape ?? {}
  const free = adapter.config?.def.catchall !== undefined && !(adapter.config.def.catchall instanceof z.ZodNever)
  const options: Record<string, unknown> = {}
  const faults: string[] = []
  for (const [key, value] of Object.entries(given)) {
    const type = Object.hasOwn(shape, key) ? shape[key] : undefined
    if (type === undefined) {
      if (free) options[key] = value
      else faults.push(`${key}: is no option of ${adapter.name}; it has ${Object.keys(shape).join(", ") || "none"}`)
      continue
    }
    const read = type.safeParse(value)
    if (read.success) options[key] = read.data
    // The sentence of the type says what is accepted; the value itself may be a secret.
    else faults.push(`${key}: ${read.error.issues[0]?.message ?? "is not accepted"}`)
  }
  return { options, faults }
}
