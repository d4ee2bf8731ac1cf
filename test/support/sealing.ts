import type { System } from "../../core/system.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import { createHooks } from "../../core/hooks.ts"
import { createSealer, type Purpose, type Sealer, sealThrough, keyIdOf } from "../../core/records/sealer.ts"
import type { Handler, HookName } from "../../core/plugin.ts"
import { refuse } from "../../core/refusal.ts"
import { theBuiltIn } from "./built-in.ts"
import { createTestClock } from "./clock.ts"
import { createTestLog } from "./log.ts"

/** Sealing as the encryption plugin does it, with what it was asked for in the test's hands. */
export interface TestSealing {
  readonly sealer: Sealer
  /** One line for each call: what, whose, which. */
  readonly calls: string[]
  /** Kinds of records that companies which begin now are sealed in. */
  readonly seals: Set<Purpose>
  /** Kinds of records of which no plain ones are left anywhere. */
  readonly complete: Set<Purpose>
}

export const KEY = "0f".repeat(32)
export const OTHER_KEY = "a7".repeat(32)

/** `older` still open. `slow`: every handler takes a turn or more, as one does that asks a key server. */
export async function createTestSealing(
  key: string = KEY,
  older: readonly string[] = [],
  slow = false,
): Promise<TestSealing> {
  const system = createNodeSystem()
  const hooks = createHooks({ clock: createTestClock(), log: createTestLog() })
  const calls: string[] = []
  const cipher = await handlersOf("encryption", { key, keysOld: older }, system)
  const pace = <T>(value: T | Promise<T>): T | Promise<T> => {
    if (!slow) return value
    const turns = Math.floor(Math.random() * 4)
    return (async (): Promise<T> => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve()
      return value
    })()
  }
  hooks.add("encryption", "record:seal", (records, of) => {
    calls.push(`seal ${of.company} ${of.names.join(" ")}`)
    return pace(cipher("record:seal")(records, of))
  })
  hooks.add("encryption", "record:open", (records, of) => {
    calls.push(`open ${of.company} ${of.names.join(" ")}`)
    return pace(cipher("record:open")(records, of))
  })
  hooks.add("encryption", "record:name", (names, of) => pace(cipher("record:name")(names, of)))
  const owner = { company: "", purpose: "credentials", salt: new Uint8Array(32) } as const
  const [check] = await sealThrough(hooks, owner, ["check"], [new Uint8Array(1)])
  if (check === undefined) throw new Error("Nothing was sealed")
  calls.length = 0
  const seals = new Set<Purpose>(["credentials", "messages"])
  const complete = new Set<Purpose>()
  const sealer = createSealer({
    hooks,
    randomBytes: (length) => system.randomBytes(length),
    keyId: keyIdOf(check),
    seals: (purpose) => seals.has(purpose),
    complete: (purpose) => complete.has(purpose),
  })
  return { sealer, calls, seals, complete }
}

/** Sets a plugin up that stands at stages and mounts routes, and gives what it has put at each stage. */
async function handlersOf(
  name: string,
  config: object,
  system: System,
): Promise<<N extends HookName>(hook: N) => Handler<N>> {
  const plugin = theBuiltIn(name)
  const handlers = new Map<string, unknown>()
  const context = {
    config: plugin.config?.parse(config),
    system,
    on: (hook: string, handler: unknown) => void handlers.set(hook, handler),
    reject: refuse,
    route: () => undefined,
    records: { seal: () => undefined },
  }
  // The rest of what a plugin is given is not needed for this.
  await plugin.setup(context as never)
  return (hook) => {
    const handler = handlers.get(hook)
    if (handler === undefined) throw new Error(`${name} does not stand at ${hook}`)
    return handler as never
  }
}
