import { type Background, createBackground } from "../background.ts"
import { createHomes } from "../homes/homes.ts"
import { createHooks, type HookRegistry } from "../hooks.ts"
import { createHttp, type Http } from "../http/app.ts"
import { createPersonMark } from "../http/person-mark.ts"
import type { OwnedRoute } from "../http/table.ts"
import { createLines, type Lines } from "../lines.ts"
import { createLocalOwnership } from "../records/local-ownership.ts"
import type { Ledger } from "../ledger.ts"
import { openMonitoring } from "./monitoring.ts"
import type { Instruments } from "../loading/instruments.ts"
import { type PluginHost, setUpPlugin } from "../loading/plugin-setup.ts"
import type { Plugin } from "../plugin.ts"
import { createSealing } from "./sealing.ts"
import { createReseal } from "../reseal.ts"
import { openSealedLedger } from "../records/sealed-ledger.ts"
import type { HouseInput } from "./input.ts"
import type { Provider } from "../provider.ts"
import { lineRoutes } from "../routes/lines.ts"
import { pluginsRoute } from "../routes/plugins.ts"
import { settingsRoute } from "../routes/settings.ts"
import { StartError, startStep } from "../settings/start-error.ts"
import type { StorageTools } from "../storage.ts"
import { createStorageProbe } from "../records/storage-probe.ts"
import { judgeStores, openAtomic, openStores } from "./stores.ts"
import type { Stores } from "../stores.ts"
import { toError } from "../errors.ts"
import type { Principal } from "../types.ts"
import { version } from "./version.ts"
import { within } from "../within.ts"

/** The parts of a server, wired and ready to run. */
export interface House {
  readonly hooks: HookRegistry
  readonly background: Background
  readonly lines: Lines
  readonly http: Http
  readonly routes: readonly OwnedRoute[]
  readonly instruments: Instruments
}

const SETUP_MS = 30_000
const operator: Principal = { kind: "admin", scopes: new Set(["send", "read", "session", "admin", "operator"]) }

/** Opens storage, sets the plugins up in their order, and mounts everything. After it no hook and no route can be added. */
export async function openHouse(input: HouseInput): Promise<House> {
  const { config, system, clock, log, prepared, undo } = input
  const { core: settings } = prepared.configured
  const folder = settings.sessionsPath

  const hooks = createHooks({ clock, log })
  const plain = await startStep("The ledger cannot be opened", () => config.ledger.open({ folder }))
  const sealing = createSealing({ hooks, ledger: plain, system, log, inhabited: () => isInhabited(plain, stores) })
  const sealed = openSealedLedger(plain, {
    sealer: () => sealing.sealer,
    onUnreadable: (company, thrown) =>
      log.error({ company, error: toError(thrown) }, "Records that are due do not open"),
  })
  undo.push("ledger", () => sealed.close())
  const monitoring = await openMonitoring(input, sealed)
  const { instruments, meter, ledger } = monitoring
  const stores = await openStores(input, ledger, meter)
  hooks.add("stores", "health:check", () => judgeStores(stores, clock, log))
  const background = createBackground({
    onFault(fault, error) {
      log.error({ plugin: fault.plugin, hook: fault.hook, error }, "Background work failed")
      hooks.observe("plugin:fault", fault)
    },
  })
  undo.push("background work", () => background.stop())
  if (input.survey === true) await background.stop()
  if (input.maintenance) hooks.add("maintenance", "request:identify", () => operator)
  const tools = (): StorageTools => ({ sha256: system.sha256, sealer: sealing.sealer })
  const homes = createHomes({ ledger, ownership: createLocalOwnership(ledger, clock), stores, tools })
  const reseal = createReseal({ homes, ledger, sealing, background, clock, log })
  hooks.add("instruments", "company:erased", ({ company }) => instruments.forget(company))
  for (const { name, hooks: own = {}, metrics = {} } of prepared.plugins) {
    instruments.declare(name, metrics)
    for (const [hook, kind] of Object.entries(own))
      await startStep(`Plugin ${name}`, () => hooks.declare(name, hook, kind))
  }
  const egress = config.egress({ allowPrivate: settings.allowPrivateUrls, clock, log })
  const lines = createLines({
    companyFields: prepared.companyFields,
    settings,
    provider: createProvider(input),
    ledger,
    homes,
    storeNames: stores.names,
    hooks,
    clock,
    log,
    totals: monitoring.totals,
    meter,
    sha256: system.sha256,
    openSha256: system.openSha256,
    egress,
    instruments,
  })

  monitoring.watch(lines)
  const ofCore = [...lineRoutes(lines, clock), settingsRoute(prepared.configured.inForce)]
  const routes: OwnedRoute[] = ofCore.map((route) => ({ owner: "core", route }))
  routes.push({ owner: "core", route: pluginsRoute({ plugins: prepared.plugins, hooks, routes }) })
  let http: Http | undefined
  const host: PluginHost = {
    hooks,
    log,
    clock,
    system,
    egress,
    background,
    instruments,
    monitor: monitoring.view,
    atomic: openAtomic(stores, clock, log),
    ...lines.views,
    records: { seal: sealing.seal, reseal: reseal.start, resealProgress: reseal.progress },
    provider: settings.provider,
    dataFolder: folder,
    probeStorage: createStorageProbe(ledger, clock),
    routes,
    services: new Map(),
    document: () => http?.document(),
  }
  for (const plugin of prepared.plugins) await setUp(plugin, input, host)
  await startStep("Sealed records", () => sealing.begin())
  if (settings.defaultCompanyId !== undefined && !settings.multiTenant) {
    const refusal = await hooks.guard("company:validate", { company: settings.defaultCompanyId })
    if (refusal !== undefined) throw new StartError([`DEFAULT_COMPANY_ID: ${refusal.error.message}`])
  }

  const { errors } = prepared
  const { isClosing } = input
  const notBuilt = config.notBuiltRoutes ?? []
  const mark = createPersonMark(system)
  http = await startStep("Routes", () =>
    createHttp({ routes, notBuilt, hooks, settings, log, clock, errors, isClosing, version, mark, meter }),
  )
  hooks.freeze()
  return { hooks, background, lines, http, routes, instruments }
}

function createProvider({ config, clock, log, prepared }: HouseInput): Provider {
  const { core: settings, settingsOf } = prepared.configured
  const adapter = config.providers.find(({ name }) => name === settings.provider)
  if (adapter === undefined) throw new StartError([`WHATSAPP_PROVIDER: ${settings.provider} is not installed`])
  const own = settingsOf(`provider ${adapter.name}`)
  return adapter.create({ config: own, log: log.child({ provider: adapter.name }), clock })
}

/** Whether there are companies already, as far as can be told now. */
async function isInhabited(ledger: Ledger, stores: Stores): Promise<boolean> {
  if ((await ledger.companies()).length > 0) return true
  for (const store of (await stores.opened()).values()) {
    // A store that is away now may hold some.
    const found = await store.driver.companies().catch(() => undefined)
    if (found === undefined || found.length > 0) return true
  }
  return false
}

async function setUp(plugin: Plugin, { clock, log, prepared, undo }: HouseInput, host: PluginHost): Promise<void> {
  const { name } = plugin
  const config = prepared.configured.settingsOf(`plugin ${name}`)
  await startStep(`Plugin ${name}`, async () => {
    const setup = setUpPlugin(plugin, config, host)
    if (!(await within(clock, SETUP_MS, setup))) {
      const tell = (thrown: unknown): void => log.error({ plugin: name, error: toError(thrown) }, "A late setup failed")
      // Should it end after all, what it has begun is taken back.
      setup.then((takeBack) => takeBack?.()).catch(tell)
      throw new Error(`its setup had not ended after ${SETUP_MS} ms`)
    }
    const takeBack = await setup
    if (takeBack !== undefined) undo.push(`plugin ${name}`, takeBack)
  })
}
