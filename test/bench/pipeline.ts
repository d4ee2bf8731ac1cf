import process from "node:process"
import { createClock } from "../../adapters/system/clock.ts"
import { createHooks } from "../../core/hooks.ts"
import type { Logger } from "../../core/log.ts"
import type { Call, Draft, Principal } from "../../core/types.ts"

/** CPU time of what stands around the plugins, in ns for one message, round by round. */
export interface PipelineTimes {
  /** Seven stages, each with one synchronous handler, run as a send runs them. */
  readonly staged: readonly number[]
  /** The same handlers, called one after another. */
  readonly called: readonly number[]
}

const MESSAGES = 300_000

const quiet: Logger = {
  level: "silent",
  ...{ trace: noted, debug: noted, info: noted, warn: noted, error: noted, fatal: noted },
  child: () => quiet,
}

function noted(): void {
  throw new Error("Nothing is logged while this is measured")
}

export function timePipeline(rounds: number): PipelineTimes {
  let seen = 0
  const principal: Principal = { kind: "admin", scopes: new Set(["send"]) }
  const handlers = {
    identify: (): Principal => (seen++, principal),
    company: (): undefined => void seen++,
    prepare: (draft: Draft): Draft => (seen++, draft),
    validate: (): undefined => void seen++,
    address: (draft: Draft): Draft => (seen++, draft),
    block: (): undefined => void seen++,
    limit: (): undefined => void seen++,
  }
  const hooks = createHooks({ clock: createClock(), log: quiet })
  hooks.add("one", "request:identify", handlers.identify)
  hooks.add("one", "company:validate", handlers.company)
  hooks.add("two", "message:prepare", handlers.prepare)
  hooks.add("two", "message:validate", handlers.validate)
  hooks.add("two", "message:address", handlers.address)
  hooks.add("three", "message:block", handlers.block)
  hooks.add("four", "message:limit", handlers.limit)
  hooks.freeze()

  const company = "acme"
  const call: Call = { company, requestId: "r", principal }
  const message: Draft = { to: { kind: "phone", phone: "79001234567" }, content: { type: "text", text: "hi" } }
  const knock = { method: "POST", path: "/", headers: new Headers(), remoteAddress: "", clientAddress: "" }
  const person = { phone: "79001234567", lid: null, group: null }
  const checking = { ...call, message, faults: [], paths: { recipient: "phone", media: "media.url" } } as const
  const blocking = { company, direction: "outbound", person, message } as const
  const limiting = { ...call, message, undo: noted }

  const staged = (): void => {
    const results = [
      hooks.first("request:identify", knock),
      hooks.guard("company:validate", { company }),
      hooks.transform("message:prepare", message, call),
      hooks.guard("message:validate", checking),
      hooks.transform("message:address", message, call),
      hooks.guard("message:block", blocking),
      hooks.guard("message:limit", limiting),
    ]
    if (results[6] !== undefined) throw new Error("Refused")
  }
  const called = (): void => {
    handlers.identify()
    handlers.company()
    handlers.prepare(message)
    handlers.validate()
    handlers.address(message)
    handlers.block()
    handlers.limit()
  }

  const times: { staged: number[]; called: number[] } = { staged: [], called: [] }
  // The first round of each is not counted: the engine compiles it then.
  for (let round = 0; round <= rounds; round++) {
    for (const side of round % 2 === 0 ? (["staged", "called"] as const) : (["called", "staged"] as const)) {
      const one = side === "staged" ? staged : called
      const before = seen
      const nanos = timed(one)
      if (seen - before !== 7 * MESSAGES) throw new Error("A stage was left out")
      if (round > 0) times[side].push(nanos)
    }
  }
  return times
}

function timed(one: () => void): number {
  const begun = process.cpuUsage()
  for (let message = 0; message < MESSAGES; message++) one()
  const { user, system } = process.cpuUsage(begun)
  return ((user + system) * 1_000) / MESSAGES
}
