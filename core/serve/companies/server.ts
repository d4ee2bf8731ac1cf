import process from "node:process"
import { createApp } from "../../app.ts"
import type { Config } from "../../config.ts"
import type { Logger } from "../../log.ts"
import { rawValue, readEnvironment, readSecret, type Sources } from "../../settings/environment.ts"
import { isStartError } from "../../settings/start-error.ts"
import type { System } from "../../system.ts"
import { loadConfig } from "../load-config.ts"
import { CommandFailure } from "./failure.ts"

/** The API of the server that has the data: a running one, or one that is opened for this command alone. */
export interface Server {
  /** True when a server runs, which goes on with what is under way after this command. */
  readonly running: boolean
  fetch(path: string, init?: RequestInit): Promise<Response>
  close(): Promise<void>
}

export interface Reached {
  readonly server: Server
  readonly sources: Sources
}

/** At `url`, else where the data folder's owner listens, else in this process when nobody has the folder. */
export async function reach(url: string | undefined): Promise<Reached> {
  const { config, system, sources } = await readSources()
  if (url !== undefined) return { server: await overHttp(url, sources, system), sources }
  const server = (await inProcess(config, system)) ?? (await overHttp(addressIn(sources), sources, system))
  return { server, sources }
}

/** What the server here is set to. */
export async function readSources(): Promise<{ config: Config; system: System; sources: Sources }> {
  const config = await loadConfig()
  const system = config.system()
  return { config, system, sources: { ...(await readEnvironment(system)), configFile: config.settings ?? {} } }
}

/** The admin key of the server here. Throws a CommandFailure when it stands where it cannot be read. */
export async function adminKey(sources: Sources, system: System): Promise<string | undefined> {
  const { value: key, problem } = await readSecret(sources, "WHATSAPP_API_KEY", system)
  if (problem !== undefined) throw new CommandFailure(`${problem.variable}: ${problem.message}`)
  return key === undefined ? undefined : String(key)
}

/** Undefined when another process has the data folder. */
async function inProcess(config: Config, system: System): Promise<Server | undefined> {
  const app = createApp({
    config,
    system: { ...system, openLog: () => ({ log: onlyTroubles, close: silent }) },
    maintenance: true,
  })
  try {
    await app.start()
  } catch (thrown) {
    if (isStartError(thrown) && thrown.folderInUse) return undefined
    throw thrown
  }
  const onSignal = (): void => void app.stop().then(() => process.exit(130))
  process.once("SIGINT", onSignal)
  process.once("SIGTERM", onSignal)
  return {
    running: false,
    fetch: (path, init) => app.fetch(new Request(`http://localhost${path}`, init)),
    async close() {
      process.off("SIGINT", onSignal)
      process.off("SIGTERM", onSignal)
      await app.stop()
    },
  }
}

async function overHttp(url: string, sources: Sources, system: System): Promise<Server> {
  const key = await adminKey(sources, system)
  const headers: Record<string, string> = key === undefined ? {} : { "x-api-key": key }
  const base = url.replace(/\/+$/, "")
  return {
    running: true,
    async fetch(path, init = {}) {
      try {
        return await fetch(`${base}${path}`, { ...init, headers: { ...headers, ...(init.headers as object) } })
      } catch (cause) {
        throw new CommandFailure(`No server answers at ${base}`, {
          details: [String((cause as { readonly cause?: unknown }).cause ?? cause)],
          remedy: "Is it the address of the server that has this data folder? Name it with --url, or stop the server",
        })
      }
    },
    close: nothing,
  }
}

/** Where the server here listens, as seen from this machine. Throws a CommandFailure when its settings do not say. */
export function addressIn(sources: Sources): string {
  const host = String(rawValue(sources, "HOST") ?? "127.0.0.1")
  const port = String(rawValue(sources, "PORT") ?? "3000")
  if (port === "0") {
    throw new CommandFailure("PORT is 0, which does not say where the server listens", {
      remedy: "Name its address with --url",
    })
  }
  // What listens on every address is reached on this machine's own.
  const near = host === "0.0.0.0" ? "127.0.0.1" : host === "::" || host === "[::]" ? "[::1]" : host
  return `http://${near.includes(":") && !near.startsWith("[") ? `[${near}]` : near}:${port}`
}

async function nothing(): Promise<void> {
  // There is nothing to let go of.
}

const say =
  (level: string) =>
  (fields: object, message: string): void =>
    console.error(`${level}: ${message} ${JSON.stringify(fields, plainly)}`)

const plainly = (_: string, value: unknown): unknown => (value instanceof Error ? value.message : value)
const silent = (): void => undefined

/** What the opened house has to say to whoever runs a command. */
const onlyTroubles: Logger = {
  level: "warn",
  trace: silent,
  debug: silent,
  info: silent,
  warn: say("warning"),
  error: say("error"),
  fatal: say("error"),
  child: () => onlyTroubles,
}
