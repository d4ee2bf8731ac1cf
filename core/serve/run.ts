import process from "node:process"
import { type App, createApp } from "../app.ts"
import { type Config, configFaults } from "../config.ts"
import { readEnvironment, rawValue } from "../settings/environment.ts"
import { toError } from "../errors.ts"
import type { Listen } from "../listen.ts"
import { isStartError, StartError } from "../settings/start-error.ts"

/** The life of the server as a process: start, signals, exit code. */
export async function run(listen: Listen): Promise<void> {
  let app: App | undefined
  let started = false
  let stopping = false

  const stop = async (code: number): Promise<void> => {
    if (stopping) return
    stopping = true
    // Timers of the house keep no process alive, and it must live until everything is closed.
    setInterval(() => undefined, 1_000)
    await app?.stop()
    process.exit(code)
  }
  const onSignal = (): void => {
    // A second one is somebody who does not want to wait.
    if (stopping) process.exit(1)
    void stop(0)
  }
  process.on("SIGTERM", onSignal)
  process.on("SIGINT", onSignal)
  // A promise that a library forgot must not end every company's line; a throw out of nowhere leaves nothing to trust.
  process.on("unhandledRejection", (reason) => {
    if (!started) fail(toError(reason))
    app?.report("error", "A promise was rejected unhandled", toError(reason))
  })
  process.on("uncaughtException", (error) => {
    if (!started) fail(error)
    app?.report("fatal", "An exception reached the top; the server stops", error)
    void stop(1)
  })

  try {
    app = createApp({ config: await loadConfig(), listen })
    await app.start()
    started = true
  } catch (thrown) {
    fail(toError(thrown))
  }
}

/** The compiled default beside this file's own folder, or the module that WHATSAPP_CONFIG names. */
async function loadConfig(): Promise<Config> {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js"
  const standard = new URL(`../../config/switchboard.config.${extension}`, import.meta.url)
  const { default: config } = (await import(standard.href)) as { readonly default: Config }
  const system = config.system()
  const chosen = rawValue({ ...(await readEnvironment(system)), configFile: {} }, "WHATSAPP_CONFIG")
  if (chosen === undefined) return config
  const loaded = await system.loadModule(String(chosen).replace(/^(?=[^./])/, "./")).catch((thrown: unknown) => {
    throw new StartError([`WHATSAPP_CONFIG: ${String(chosen)} cannot be loaded (${toError(thrown).message})`])
  })
  const faults = configFaults(loaded)
  if (faults.length > 0) throw new StartError(faults.map((fault) => `WHATSAPP_CONFIG: ${String(chosen)}: ${fault}`))
  return loaded as Config
}

function fail(error: Error): never {
  console.error(isStartError(error) ? error.message : `Switchboard cannot start: ${error.message}`)
  process.exit(1)
}
