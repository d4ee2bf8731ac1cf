import type { Config } from "../config.ts"
import { appError } from "../errors.ts"
import type { HookListing } from "../loading/hook-entries.ts"
import type { OwnedRoute } from "../http/table.ts"
import type { Plugin } from "../plugin.ts"
import { listOwners, listVariables, type Variable } from "../settings/owners.ts"
import { asDriver, type OpenStore } from "../store.ts"
import { openHouse } from "./house.ts"
import { prepare } from "./prepare.ts"
import { createUndoStack } from "./undo.ts"

/** What a house is made of, as a look at it shows. */
export interface Survey {
  /** In the order in which each stage asks them. */
  readonly plugins: readonly Plugin[]
  readonly hooks: readonly HookListing[]
  readonly routes: readonly OwnedRoute[]
  readonly variables: readonly Variable[]
  readonly warnings: readonly string[]
}

export interface SurveyInput {
  readonly config: Config
  /** An empty folder, in place of the data folder. */
  readonly folder: string
}

const UNDO_MS = 5_000

/**
 * Sets the plugins up as a start would, with the settings in force, over an empty folder: no line is started, no store is
 * opened, no port and no lock is taken, and everything is taken back. Rejects with a StartError for what would stop a start.
 */
export async function surveyHouse({ config, folder }: SurveyInput): Promise<Survey> {
  const system = config.system()
  const clock = config.clock()
  const prepared = await prepare({ config, system, env: undefined })
  const { configured, plugins } = prepared
  const stores = [...configured.stores].map(([name, spec]) => {
    return [name, { ...spec, adapter: { ...spec.adapter, open: async () => nothing } }] as const
  })
  const core = { ...configured.core, sessionsPath: folder }
  const shown = { ...prepared, configured: { ...configured, core, stores: new Map(stores) } }

  const { log, close } = system.openLog({ level: "silent" })
  const undo = createUndoStack({ clock, onFailure: () => undefined })
  undo.push("log", close)
  try {
    const input = { config, system, clock, log, prepared: shown, undo, isClosing: () => false }
    const house = await openHouse({ ...input, maintenance: false, survey: true })
    const { variables } = listVariables(listOwners({ config, plugins, provider: core.provider }))
    const all = [...variables.values()].filter(({ owner }) => owner.active)
    const { warnings } = configured
    return { plugins, hooks: house.hooks.list(), routes: house.routes, variables: all, warnings }
  } finally {
    await undo.unwind(UNDO_MS)
  }
}

/** A store that holds nothing and takes nothing. */
const nothing: OpenStore = {
  driver: asDriver("nothing", {
    load: async (_company, keys) => keys.map(() => undefined),
    commit: () => Promise.reject(appError("STORAGE_UNAVAILABLE")),
    keys: async () => [],
    erase: async () => undefined,
    companies: async () => [],
    evict: async () => undefined,
  }),
  capabilities: { durable: true, atomic: true },
  check: async () => [],
  flush: async () => undefined,
  close: async () => undefined,
}
