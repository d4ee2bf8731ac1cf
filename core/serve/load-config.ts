import { type Config, configFaults } from "../config.ts"
import { toError } from "../errors.ts"
import { rawValue, readEnvironment } from "../settings/environment.ts"
import { StartError } from "../settings/start-error.ts"

/** The compiled default beside this file's own folder, or the module that WHATSAPP_CONFIG names. */
export async function loadConfig(): Promise<Config> {
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
