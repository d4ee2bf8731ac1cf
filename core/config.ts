import type { z } from "@hono/zod-openapi"
import type { Clock } from "./clock.ts"
import type { Egress, EgressOptions } from "./egress.ts"
import type { LedgerAdapter } from "./ledger.ts"
import type { Plugin } from "./plugin.ts"
import type { ProviderAdapter } from "./provider.ts"
import type { NotBuiltRoute } from "./route.ts"
import type { EnvBinding } from "./settings/setting.ts"
import type { StorageAdapter } from "./store.ts"
import type { System } from "./system.ts"

/** The composition: what this server is made of. Everything the floors below core offer comes in through here. */
export interface Config {
  /** The machine it runs on. */
  system(): System
  clock(): Clock
  /** The way out to URLs that users gave. */
  egress(options: EgressOptions): Egress
  /** In order: plugins themselves, paths that begin with a dot or a slash, or names of npm packages. */
  readonly plugins: readonly (Plugin | string)[]
  /** Installed providers; WHATSAPP_PROVIDER chooses. */
  readonly providers: readonly ProviderAdapter[]
  /** Installed stores for auth state; WHATSAPP_STORAGE names the default one. */
  readonly stores: readonly StorageAdapter[]
  /** Further stores by name: which adapter, and its options; WHATSAPP_STORES comes before them. */
  readonly namedStores?: Readonly<Record<string, NamedStore>>
  /** Where messages, outbox and events are kept. */
  readonly ledger: LedgerAdapter
  /** Settings by variable name; `.env` and the environment come before them. */
  readonly settings?: Readonly<Record<string, string | number | boolean>>
  /** Variables that are known and not obeyed yet. */
  readonly notYet?: NotYet
  /** Routes that are promised and that nothing serves yet: they answer 501 and are not documented. */
  readonly notBuiltRoutes?: readonly NotBuiltRoute[]
}

export interface NamedStore {
  readonly adapter: string
  readonly [option: string]: unknown
}

export interface NotYet {
  readonly config: z.ZodObject
  readonly env: Readonly<Record<string, string | EnvBinding>>
  /** Variables that stop the start when they are set to anything but their default: to ignore them would lower safety. */
  readonly unsafe: readonly string[]
  /** Variables whose default says what the server does anyway: set to that, nothing is said about them. */
  readonly kept: readonly string[]
}

/** Gives a config file its types. */
export function defineConfig(config: Config): Config {
  return config
}

/** What keeps a loaded module from being a config, one line each; config files written in JavaScript have no compiler. */
export function configFaults(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return ["its default export must be defineConfig({ … })"]
  const config = value as Readonly<Record<string, unknown>>
  const lists = ["plugins", "providers", "stores"].filter((key) => !Array.isArray(config[key]))
  const functions = ["system", "clock", "egress"].filter((key) => typeof config[key] !== "function")
  return [
    ...lists.map((key) => `${key} must be a list`),
    ...(typeof config.ledger === "object" && config.ledger !== null ? [] : ["ledger must be a ledger adapter"]),
    ...functions.map((key) => `${key} must be a function`),
  ]
}
