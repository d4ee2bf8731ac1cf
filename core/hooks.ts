import type { Clock } from "./clock.ts"
import { isAppError, toError } from "./errors.ts"
import { createHookEntries, type Entry, type HookListing } from "./loading/hook-entries.ts"
import type { Logger } from "./log.ts"
import type { KnownFields } from "./log-fields.ts"
import { withoutSecrets } from "./log-words.ts"
import type {
  AnswerOf,
  ContextOf,
  FailedItem,
  Handler,
  HookKind,
  HookName,
  InputOf,
  ItemOf,
  NamesOf,
  ValueOf,
} from "./plugin.ts"
import { isRefusal, type Refusal, refuse } from "./refusal.ts"

/** A refusal, and the plugin that gave it. */
export type RefusalBy = Refusal & { readonly plugin: string }

type MaybePromise<T> = T | Promise<T>

/** The runners. Each stays synchronous as long as every handler is, and arms a timer only for one that is not. */
export interface Hooks {
  /** The first refusal, or undefined. A handler at fault refuses with PLUGIN_FAULT. */
  guard<N extends NamesOf<"guard">>(name: N, input: InputOf<N>): MaybePromise<RefusalBy | undefined>
  /** The first answer or refusal; undefined when nobody answered, which the caller must treat as a refusal. */
  first<N extends NamesOf<"first">>(name: N, input: InputOf<N>): MaybePromise<AnswerOf<N> | RefusalBy | undefined>
  /**
   * The value as the last handler left it; names ending in `:open` run in reverse, undoing what was done in order.
   * Throws PLUGIN_FAULT for a handler at fault; an AppError that a handler throws comes out as it is.
   */
  transform<N extends NamesOf<"transform">>(name: N, value: ValueOf<N>, context: ContextOf<N>): MaybePromise<ValueOf<N>>
  /** One item by plugin, from all in parallel. */
  collect<N extends NamesOf<"collect">>(name: N, input: InputOf<N>): Promise<Record<string, ItemOf<N> | FailedItem>>
  /** Tells every observer, after the caller's own turn; no fault of theirs comes back. */
  observe<N extends NamesOf<"observe">>(name: N, input: InputOf<N>): void
  /** True when a handler stands at this stage. */
  has(name: HookName): boolean
}

/** What `createApp` does with the runners beyond running them. */
export interface HookRegistry extends Hooks {
  /** Makes a name of a plugin's own known. Throws when it has an owner already. */
  declare(plugin: string, name: string, kind: HookKind): void
  /** Throws for an unknown name, for anything but a function, and after `freeze`. */
  add<N extends HookName>(plugin: string, name: N, handler: Handler<N>): void
  freeze(): void
  /** Every hook there is, and who stands at it, in the order in which they run. */
  list(): readonly HookListing[]
  /** Resolves when no observer is at work. */
  drain(): Promise<void>
}

export type HookFault = InputOf<"plugin:fault">

export interface HooksOptions {
  readonly clock: Clock
  readonly log: Logger
  /** Hears of every fault, beside the log and `plugin:fault`. */
  readonly onFault?: (fault: HookFault) => void
}

const ANSWER_MS = 2_000
const OBSERVE_MS = 30_000

const isPromise = (value: unknown): value is Promise<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

export function createHooks({ clock, log, onFault }: HooksOptions): HookRegistry {
  const entries = createHookEntries()
  const observing = new Set<Promise<void>>()

  /** `about`: what the handler was given, by which its fault is told from others. */
  const report = (entry: Entry, thrown: unknown, about: unknown): void => {
    const error = toError(thrown)
    const at = { plugin: entry.plugin, hook: entry.name }
    log.error({ ...at, ...idsIn(about), error }, "A plugin failed")
    const fault = { ...at, message: withoutSecrets(error.message) }
    onFault?.(fault)
    // Telling the observers of faults about a fault of their own would go on for ever.
    if (entry.name !== "plugin:fault") observe("plugin:fault", fault)
  }

  const faulty = (entry: Entry, thrown: unknown, about: unknown): RefusalBy => {
    report(entry, thrown, about)
    return { ...refuse("PLUGIN_FAULT", { cause: thrown }), plugin: entry.plugin }
  }

  /** The promise's value, or a rejection at the deadline. What comes after it has been reported and is let go. */
  const within = (entry: Entry, promise: Promise<unknown>, ms: number): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const timer = clock.after(ms, () => reject(new Error(`${entry.name} had no result within ${ms} ms`)))
      Promise.resolve(promise)
        .then(resolve, reject)
        .finally(() => timer.cancel())
    })

  const wrong = (entry: Entry): Error => new Error(`${entry.name} returned something that this hook does not accept`)

  /** What a guard's or first's result means: nothing, a refusal, or an answer. */
  const judge = (entry: Entry, result: unknown, input: unknown): unknown => {
    if (result === undefined) return undefined
    if (isRefusal(result) && isAppError(result.error)) return { ...result, plugin: entry.plugin }
    const { kind, accepts } = entry.rule
    if (kind === "guard" || isRefusal(result) || accepts?.(result, undefined) === false)
      return faulty(entry, wrong(entry), input)
    return result
  }

  const ask = (name: string, input: unknown, from = 0): unknown => {
    const list = entries.at(name)
    if (list === undefined) return undefined
    for (let index = from; index < list.length; index++) {
      const entry = list[index] as Entry
      try {
        const result = entry.run(input)
        if (isPromise(result)) return askOn(entry, result, input, index + 1)
        const verdict = judge(entry, result, input)
        if (verdict !== undefined) return verdict
      } catch (thrown) {
        return faulty(entry, thrown, input)
      }
    }
    return undefined
  }

  const askOn = async (entry: Entry, pending: Promise<unknown>, input: unknown, next: number): Promise<unknown> => {
    try {
      const verdict = judge(entry, await within(entry, pending, ANSWER_MS), input)
      if (verdict !== undefined) return verdict
    } catch (thrown) {
      return faulty(entry, thrown, input)
    }
    return ask(entry.name, input, next)
  }

  const checked = (entry: Entry, value: unknown, given: unknown): unknown => {
    if (value === undefined || entry.rule.accepts?.(value, given) === false) throw wrong(entry)
    return value
  }

  const failed = (entry: Entry, thrown: unknown, about: unknown): Error =>
    isAppError(thrown) ? thrown : faulty(entry, thrown, about).error

  const hand = (name: string, given: unknown, context: unknown, from = 0): unknown => {
    const list = entries.at(name)
    let value = given
    for (let index = from; list !== undefined && index < list.length; index++) {
      const entry = list[index] as Entry
      try {
        const result = entry.run(value, context)
        if (isPromise(result)) return handOn(entry, result, value, context, index + 1)
        value = checked(entry, result, value)
      } catch (thrown) {
        throw failed(entry, thrown, context)
      }
    }
    return value
  }

  const handOn = async (entry: Entry, pending: Promise<unknown>, given: unknown, context: unknown, next: number) => {
    let value: unknown
    try {
      value = checked(entry, await within(entry, pending, ANSWER_MS), given)
    } catch (thrown) {
      throw failed(entry, thrown, context)
    }
    return hand(entry.name, value, context, next)
  }

  const item = async (entry: Entry, input: unknown): Promise<unknown> => {
    try {
      const result = entry.run(input)
      return checked(entry, isPromise(result) ? await within(entry, result, ANSWER_MS) : result, undefined)
    } catch (thrown) {
      report(entry, thrown, input)
      return { ok: false, detail: "The check itself failed; the log says how" }
    }
  }

  const watch = async (entry: Entry, input: unknown): Promise<void> => {
    try {
      const result = entry.run(input)
      if (isPromise(result)) await within(entry, result, OBSERVE_MS)
    } catch (thrown) {
      report(entry, thrown, input)
    }
  }

  const observe = (name: string, input: unknown): void => {
    for (const entry of entries.at(name) ?? []) {
      const done: Promise<void> = Promise.resolve()
        .then(() => watch(entry, input))
        .finally(() => observing.delete(done))
      observing.add(done)
    }
  }

  const registry = {
    guard: ask,
    first: ask,
    transform: hand,
    async collect(name: string, input: unknown) {
      const items: Record<string, unknown> = Object.create(null)
      await Promise.all((entries.at(name) ?? []).map(async (entry) => (items[entry.plugin] = await item(entry, input))))
      return items
    },
    observe,
    has: entries.has,
    declare: entries.declare,
    add: entries.add,
    freeze: entries.freeze,
    list: entries.list,
    async drain() {
      while (observing.size > 0) await Promise.all(observing)
    },
  }
  // The runners handle every name alike; the interface gives each name its own types.
  return registry as unknown as HookRegistry
}

/** Whom and what a handler was asked about, as far as it can be told from what it was given. */
function idsIn(given: unknown): KnownFields {
  const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined)
  const at = (value: unknown): Readonly<Record<string, unknown>> =>
    typeof value === "object" && value !== null ? { ...value } : {}
  const { company, requestId, message, session } = at(given)
  const messageId = text(at(message).messageId)
  const named = text(company) ?? text(at(message).companyId) ?? text(at(session).companyId)
  return { company: named, requestId: text(requestId), messageId }
}
