import type { Logger } from "../../../core/log.ts"
import { blank } from "./library-log.ts"

/**
 * libsignal writes whole sessions, keys included, to the console when it opens, closes or drops one, and Baileys what a
 * group's query failed with. Our own Signal repository keeps them from most of that, which no later version need keep to.
 * Neither takes a logger for it, and neither can be given a console of its own, so the process's is put behind a filter:
 * what is called from their files goes to our log, as a sentence without its objects; every other call passes untouched.
 */
const METHODS = ["log", "info", "warn", "error", "debug", "trace", "dir"] as const
const THEIRS = /[\\/](?:@whiskeysockets[\\/]baileys|libsignal|whatsapp-rust-bridge)[\\/]/
/** Where the caller stands in a stack: behind the head, this file's own test and the filter. */
const CALLER = 3
/** The console is the process's, and so is the filter; the registry knows what it is already in front of. */
const REGISTRY = Symbol.for("switchboard.baileys.console")

interface Registry {
  log: Logger
  readonly filters: WeakSet<object>
}

/** From now on what the library writes to the console goes to `log`, at level debug. */
export function divertConsole(log: Logger): void {
  const holder: typeof globalThis & { [REGISTRY]?: Registry } = globalThis
  const registry = (holder[REGISTRY] ??= { log, filters: new WeakSet() })
  registry.log = log
  for (const method of METHODS) {
    const write: (...said: unknown[]) => void = console[method]
    if (registry.filters.has(write)) continue
    const filter = (...said: unknown[]): void => {
      if (!isTheirs()) return write.apply(console, said)
      const [sentence] = said
      registry.log.debug({ library: "console" }, typeof sentence === "string" ? blank(sentence) : "(no sentence)")
    }
    registry.filters.add(filter)
    console[method] = filter
  }
}

function isTheirs(): boolean {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = CALLER
  const { stack = "" } = new Error()
  Error.stackTraceLimit = stackTraceLimit
  return THEIRS.test(stack.split("\n")[CALLER] ?? "")
}
