import type { Clock } from "./clock.ts"
import type { Config } from "./config.ts"
import { type House, openHouse } from "./start/house.ts"
import type { OwnedRoute } from "./http/table.ts"
import type { Arrival, Listen } from "./listen.ts"
import type { Logger } from "./log.ts"
import { createSafeLog } from "./safe-log.ts"
import { prepare } from "./start/prepare.ts"
import { createRequests } from "./start/requests.ts"
import { type CoreSettings, coreSettings } from "./settings.ts"
import { StartError, startStep } from "./settings/start-error.ts"
import type { System } from "./system.ts"
import { createUndoStack } from "./start/undo.ts"
import { within } from "./within.ts"

export interface AppOptions {
  readonly config: Config
  /** In place of the process's environment and its `.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Default: the config's. */
  readonly system?: System
  /** Default: the config's. */
  readonly clock?: Clock
  /** Without it the app takes no port and is reached through `fetch` alone. */
  readonly listen?: Listen
  /**
   * For whoever looks after the data while no server runs: no line is started, nothing is swept, and whoever has the app
   * in hand is the operator. Takes no port.
   */
  readonly maintenance?: boolean
  /** For tests that show what the filter of the log is for. */
  readonly unfilteredLog?: boolean
}

export interface App {
  /** Answers a request; never rejects. One that comes before the start has ended waits for it. */
  fetch(request: Request, arrival?: Arrival): Promise<Response>
  /** Resolves when the doors are open. Rejects with a StartError, with everything taken back that had been done. */
  start(): Promise<Started>
  /** Ends gracefully within about ten seconds, and never logs a line out. Idempotent; a start under way is waited for. */
  stop(): Promise<void>
  /** Settings in force, once started. */
  settings(): CoreSettings
  /** Everything mounted, once started. */
  routes(): readonly OwnedRoute[]
  /** Logs what reached the top of the process. */
  report(level: "error" | "fatal", message: string, error: Error): void
}

export interface Started {
  /** Where it listens, if it does. */
  readonly url: string | undefined
}

const STOP_MS = 10_000
/** Of that, for requests and background work. */
const DRAIN_MS = 5_000
/** Of that, for the lines. */
const LINES_MS = 3_000

/** Puts a server together from its config. Nothing is shared between two of them, and nothing happens before `start`. */
export function createApp(options: AppOptions): App {
  const { config } = options
  const system = options.system ?? config.system()
  const clock = options.clock ?? config.clock()
  const requests = createRequests()
  let log: Logger | undefined
  let settings = coreSettings.parse({})
  let house: House | undefined
  let closing = false
  let starting: Promise<Started> | undefined
  let stopping: Promise<void> | undefined
  const undo = createUndoStack({
    clock,
    onFailure: (step, error) => log?.error({ step, error }, "A step of the shutdown failed"),
  })

  const begin = async (): Promise<Started> => {
    const prepared = await prepare({ config, system, env: options.env })
    settings = prepared.configured.core
    const { host, port, sessionsPath: folder, logLevel: level, logPath, logToFile } = settings
    const opened = system.openLog({ level, ...(logToFile ? { file: logPath } : {}) })
    const safe = createSafeLog(opened.log, clock)
    log = options.unfilteredLog === true ? opened.log : safe.log
    undo.push("log", () => {
      safe.close()
      opened.close()
    })
    for (const warning of prepared.configured.warnings) log.warn({}, warning)

    const lock = await startStep(`WHATSAPP_SESSIONS_PATH: ${folder} cannot be locked`, () => system.lockFolder(folder))
    if (!lock.held) {
      const problem = `WHATSAPP_SESSIONS_PATH: ${folder} is in use by ${lock.owner}; one process owns a data folder`
      throw new StartError([problem], undefined, true)
    }
    undo.push("lock of the data folder", () => lock.release())
    const maintenance = options.maintenance === true
    const listener = maintenance ? undefined : await options.listen?.({ host, port, fetch: requests.fetch })
    let closed: Promise<void> | undefined
    const closePort = async (): Promise<void> => {
      closed ??= listener?.close()
      await closed
    }
    undo.push("port", closePort)

    const opening = { config, system, clock, log, prepared, undo, maintenance, isClosing: () => closing }
    house = await openHouse(opening)
    const { hooks, background, lines, http } = house
    undo.push("lines", () => Promise.all([lines.stop(LINES_MS), closePort()]))
    requests.open(http)
    if (!maintenance) lines.start()
    undo.push("requests and background work", async () => {
      hooks.observe("app:closing", {})
      lines.release()
      const drained = Promise.all([requests.drained(), background.stop()]).then(() => hooks.drain())
      if (!(await within(clock, DRAIN_MS, drained))) log?.warn({}, "Some requests or background work had not ended")
    })
    const url = listener?.url
    log.info({ url }, "Ready")
    hooks.observe("app:ready", { url: url ?? "" })
    return { url }
  }

  const start = async (): Promise<Started> => {
    try {
      return await begin()
    } catch (thrown) {
      requests.refuse()
      await undo.unwind(STOP_MS)
      throw thrown
    }
  }

  const stop = async (): Promise<void> => {
    closing = true
    requests.farewell()
    // A start that failed has taken everything back by itself, and told its own caller why.
    await starting?.catch(() => undefined)
    log?.info({}, "Stopping")
    await undo.unwind(STOP_MS)
    requests.refuse()
  }

  return {
    fetch: requests.fetch,
    start() {
      starting ??= start()
      return starting
    },
    stop() {
      stopping ??= stop()
      return stopping
    },
    settings: () => settings,
    routes: () => house?.routes ?? [],
    report: (level, message, error) => log?.[level]({ error }, message),
  }
}
