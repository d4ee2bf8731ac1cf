import type { Config } from "../config.ts"
import { type Configured, configure } from "../settings/configure.ts"
import { rawValue, readEnvironment, type Sources } from "../settings/environment.ts"
import { coreErrors, type ErrorSpec } from "../errors.ts"
import { companyFieldsOf } from "../line/company-fields.ts"
import { list } from "../settings/fields.ts"
import { loadPlugins } from "../load.ts"
import { orderPlugins } from "../order.ts"
import { foreignAdapter } from "../records/foreign-adapter.ts"
import type { Plugin } from "../plugin.ts"
import { StartError } from "../settings/start-error.ts"
import type { System } from "../system.ts"
import type { CompanyFields } from "../views.ts"

export interface PrepareInput {
  readonly config: Config
  readonly system: System
  /** In place of the process's environment and its `.env`. */
  readonly env: Readonly<Record<string, string | undefined>> | undefined
}

export interface Prepared {
  /** In the order in which each stage asks them. */
  readonly plugins: readonly Plugin[]
  readonly configured: Configured
  /** Core's and the plugins', by code. */
  readonly errors: Readonly<Record<string, ErrorSpec>>
  /** Settings of companies that plugins declare. */
  readonly companyFields: CompanyFields
}

/** What core itself keeps of a company. */
const OWN_FIELDS = ["companyId", "name", "proxy", "storage", "move", "provider"]

/**
 * All that is known before anything is touched: settings, plugins, their order. Rejects with one StartError that has
 * every problem of all of them.
 */
export async function prepare({ config: composed, system, env }: PrepareInput): Promise<Prepared> {
  const config = { ...composed, stores: [...composed.stores, foreignAdapter(system)] }
  const { problems: unread, ...read } =
    env === undefined ? await readEnvironment(system) : { environment: env, envFile: {}, problems: [] }
  const sources: Sources = { ...read, configFile: config.settings ?? {} }

  const chosen = rawValue(sources, "WHATSAPP_PLUGINS")
  const loaded = await loadPlugins({
    given: config.plugins,
    chosen: chosen === undefined ? undefined : list.parse(chosen),
    system,
  })
  const ordered = orderPlugins(loaded.plugins)
  const configured = await configure({ config, plugins: loaded.plugins, sources, system })
  const fields = companyFieldsOf(ordered.plugins, OWN_FIELDS)
  const problems = [...unread, ...loaded.problems, ...ordered.problems, ...configured.problems, ...fields.problems]
  if (problems.length > 0) throw new StartError(problems)
  const errors = Object.assign({}, coreErrors, ...ordered.plugins.map((plugin) => plugin.errors ?? {}))
  const companyFields = fields.fields
  return { plugins: ordered.plugins, configured, errors: errors as Readonly<Record<string, ErrorSpec>>, companyFields }
}
