import type { z } from "@hono/zod-openapi"

/** How plugins and adapters declare settings. */

/** How one environment variable feeds a key of the settings. */
export interface EnvBinding<K extends string = string> {
  readonly key: K
  /** Never printed; may also come as a file named by `<VARIABLE>_FILE`. */
  readonly secret?: boolean
  /** An empty text is otherwise the same as none; here it stops the start. */
  readonly refuseEmpty?: boolean
}

export type EnvMap<C extends z.ZodObject> = Readonly<
  Record<string, (keyof z.input<C> & string) | EnvBinding<keyof z.input<C> & string>>
>

/** What `core` knows of its own settings that a plugin may need to judge its own. */
export interface Surroundings {
  readonly host: string
  /** True when `host` is reachable from this machine alone. */
  readonly loopback: boolean
  readonly multiTenant: boolean
}

export interface SettingProblem {
  readonly variable: string
  /** What is wrong and what is accepted. Never the value of a secret. */
  readonly message: string
  /** Default `error`, which stops the start. */
  readonly severity?: "error" | "warning"
}
