import type { Sandbox } from "../sandbox/index.ts"
import type { Cores } from "./cpu.ts"
import type { Options } from "./options.ts"

/** What every measurement is given. */
export interface Run {
  readonly options: Options
  readonly sandbox: Sandbox
  /** Null: processes run wherever the kernel puts them. */
  readonly cores: Cores | null
  /** A new empty folder, gone when the run ends. */
  folder(): string
  /** Progress, for whoever watches. */
  say(line: string): void
}
