import { type Background, createBackground } from "../background.ts"
import type { Clock } from "../clock.ts"
import type { Config } from "../config.ts"
import { createHomes } from "../homes/homes.ts"
import { createHooks, type HookRegistry } from "../hooks.ts"
import { createHttp, type Http } from "../http/app.ts"
import type { OwnedRoute } from "../http/table.ts"
import { createLines, type Lines } from "../lines.ts"
import { createLocalOwnership } from "../records/local-ownership.ts"
import type { Logger } from "../log.ts"
import { type PluginHost, setUpPlugin } from "../loading/plugin-setup.ts"
import type { Plugin } from "../plugin.ts"
import type { Prepared } from "./prepare.ts"
import type { Provider } from "../provider.ts"
import { lineRoutes } from "../routes/lines.ts"
import { StartError, startStep } from "../settings/start-error.ts"
import type { Sealer, StorageTools } from "../storage.ts"
import { createStorageProbe } from "../records/storage-probe.ts"
import { judgeStores, openStores } from "./stores.ts"
import type { System } from "../system.ts"
import type { UndoStack } from "./undo.ts"
import { version } from "./version.ts"
import { within } from "../within.ts"

/** The parts of a server, wired and ready to run. */
export interface House {
  readonly hooks: HookRegistry
  readonly background: Background
  readonly lines: Lines
  readonly http: Http
  readonly routes: readonly OwnedRoute[]
}

export interface HouseInput {
  readonly config: Config
  readonly system: System
  readonly clock: Clock
  readonly log: Logger
  readonly prepared: Prepared
  /** Receives what takes each part back. */
  readonly undo: UndoStack
  isClosing(): boolean
}

const SETUP_MS = 30_000
const NO_SALT = new Uint8Array(32)

/** Opens storage, sets the plugins up in their order, and mounts everything. After it no hook and no route can be added. */
export async function openHouse(input: HouseInput): Promise<House> {
  const { config, system, clock, log, prepared, undo } = input
  const { core: settings } = prepared.configured
  const folder = settings.sessionsPath

  const ledger = await startStep("The ledger cannot be opened", () => config.ledger.open({ folder }))
  undo.push("ledger", () => ledger.close())
  const stores = await openStores(input, ledger)

  const hooks = createHooks({ clock, log })
  hooks.add("stores", "health:check", () => judgeStores(stores, clock, log))
  const background = createBackground({
    onFault(fault, error) {
      log.error({ plugin: fault.plugin, hook: fault.hook, error }, "Background work failed")
      hooks.observe("plugin:fault", fault)
    },
  })
  undo.push("background work", () => background.stop())
  const tools = (): StorageTools => ({ sha256: system.sha256, ...sealerOf(hooks) })
  const homes = createHomes({ ledger, ownership: createLocalOwnership(ledger, clock), stores, tools })
  const lines = createLines({
    settings,
    provider: createProvider(input),
    ledger,
    homes,
    storeNames: stores.names,
    hooks,
    clock,
    log,
    sha256: system.sha256,
  })

  const routes: OwnedRoute[] = lineRoutes(lines, clock).map((route) => ({ owner: "core", route }))
  let http: Http | undefined
  const host: PluginHost = {
    hooks,
    log,
    clock,
    system,
    background,
    sessions: lines.sessionsView,
    events: lines.eventsView,
    provider: settings.provider,
    probeStorage: createStorageProbe(ledger, clock),
    routes,
    services: new Map(),
    document: () => http?.document(),
  }
  for (const plugin of prepared.plugins) await setUp(plugin, input, host)
  if (settings.defaultCompanyId !== undefined && !settings.multiTenant) {
    const refusal = await hooks.guard("company:validate", { company: settings.defaultCompanyId })
    if (refusal !== undefined) throw new StartError([`DEFAULT_COMPANY_ID: ${refusal.error.message}`])
  }

  const { errors } = prepared
  const { isClosing } = input
  const notBuilt = config.notBuiltRoutes ?? []
  http = await startStep("Routes", () =>
    createHttp({ routes, notBuilt, hooks, settings, log, clock, errors, isClosing, version }),
  )
  hooks.freeze()
  return { hooks, background, lines, http, routes }
}

function createProvider({ config, clock, log, prepared }: HouseInput): Provider {
  const { core: settings, settingsOf } = prepared.configured
  const adapter = config.providers.find(({ name }) => name === settings.provider)
  if (adapter === undefined) throw new StartError([`WHATSAPP_PROVIDER: ${settings.provider} is not installed`])
  const own = settingsOf(`provider ${adapter.name}`)
  return adapter.create({ config: own, log: log.child({ provider: adapter.name }), clock })
}

/** Records pass the plugins that seal them, when there are any. */
function sealerOf(hooks: HookRegistry): { readonly sealer?: Sealer } {
  if (!hooks.has("record:seal") && !hooks.has("record:open")) return {}
  const through =
    (hook: "record:seal" | "record:open") =>
    async (company: string, names: readonly string[], records: readonly Uint8Array[]): Promise<Uint8Array[]> => [
      ...(await hooks.transform(hook, records, { company, purpose: "credentials", salt: NO_SALT, names })),
    ]
  return { sealer: { seal: through("record:seal"), open: through("record:open") } }
}

async function setUp(plugin: Plugin, { clock, prepared, undo }: HouseInput, host: PluginHost): Promise<void> {
  const { name } = plugin
  const config = prepared.configured.settingsOf(`plugin ${name}`)
  await startStep(`Plugin ${name}`, async () => {
    const setup = setUpPlugin(plugin, config, host)
    if (!(await within(clock, SETUP_MS, setup))) throw new Error(`its setup had not ended after ${SETUP_MS} ms`)
    const takeBack = await setup
    if (takeBack !== undefined) undo.push(`plugin ${name}`, takeBack)
  })
}
