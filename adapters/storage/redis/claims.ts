import type { Clock } from "../../../core/clock.ts"
import type { Logger } from "../../../core/log.ts"
import type { StoreClaim, StoreClaims } from "../../../core/store.ts"
import { claimScript, releaseScript } from "./claim-scripts.ts"
import { createHeartbeat } from "./heartbeat.ts"
import type { Link } from "./link.ts"
import { checked, type Names } from "./names.ts"
import { unavailable } from "./replies.ts"
import { runScript } from "./scripts.ts"
import { ERASED_KEPT_MS } from "./writer-scripts.ts"

export interface Claims extends StoreClaims {
  /** A claim of this process has given this fence. */
  issued(fence: number): boolean
  /** A write under this fence was refused. */
  fenced(company: string, fence: number): void
  /** Releases everything. */
  close(): Promise<void>
}

export interface ClaimsOptions {
  readonly link: Link
  readonly names: Names
  readonly instance: string
  readonly process: string
  readonly leaseMs: number
  readonly clock: Clock
  readonly log: Logger
}

interface Held {
  readonly fence: number
  readonly ended: AbortController
}

/** Somebody may change a claim while it is being looked at; who loses that race so often stands aside. */
const TRIES = 10

export function createClaims({ link, names, instance, process, leaseMs, clock, log }: ClaimsOptions): Claims {
  const held = new Map<string, Held>()
  const asking = new Set<string>()
  const closing = new AbortController()
  /** The lowest fence that was given; none below it is ours. */
  let first = Number.POSITIVE_INFINITY

  const heartbeat = createHeartbeat({
    ...{ link, key: names.instance(instance), process, leaseMs, clock },
    lost() {
      if (held.size > 0) log.warn({ companies: held.size }, "The heartbeat has failed: the claims of this process end")
      for (const company of [...held.keys()]) end(company)
    },
  })

  function end(company: string): void {
    const entry = held.get(company)
    held.delete(company)
    entry?.ended.abort()
  }

  async function ask(company: string): Promise<number | undefined> {
    let expected = ""
    for (let turn = 0; turn < TRIES; turn++) {
      const own = await heartbeat.begin()
      if (own === undefined) return undefined
      const holder = expected.slice(expected.indexOf(" ") + 1)
      const other = expected !== "" && holder !== instance
      const keys = [names.company(company), names.erased(company), names.instance(instance), names.instance(holder)]
      const args = [own, instance, expected, other ? "1" : "0"]
      const answer = await link.run((client) => runScript(client, claimScript, keys, args), { repeat: true })
      const [word, text = ""] = answer as string[]
      if (word === "alive") return undefined
      if (word === "held") expected = text
      else if (word === "beat") heartbeat.lose()
      // A heartbeat that ended meanwhile has left this claim to whoever wants it.
      else if (heartbeat.current() === own) return Number(text)
    }
    return undefined
  }

  async function give(company: string, fence: number): Promise<void> {
    const keys = [names.company(company), names.companies, names.erased(company)]
    const args = [company, `${fence} ${instance}`, ERASED_KEPT_MS]
    await link.run((client) => runScript(client, releaseScript, keys, args), { repeat: true })
  }

  /** Others see a claim of a process that lives until they are told otherwise. */
  async function giveLater(company: string, fence: number): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await clock.sleep(Math.min(1_000, leaseMs / 10), closing.signal)
        return await give(company, fence)
      } catch {
        // Still away, or closing: then the heartbeat ends, and with it what this process has claimed.
      }
    }
  }

  async function release(company: string, { fence, ended }: Held): Promise<void> {
    if (held.get(company)?.fence === fence) held.delete(company)
    ended.abort()
    await give(company, fence).catch(() => void giveLater(company, fence))
  }

  return {
    async claim(company): Promise<StoreClaim | undefined> {
      if (closing.signal.aborted) throw unavailable("The store is closed")
      if (held.has(checked(company)) || asking.has(company)) return undefined
      asking.add(company)
      try {
        const fence = await ask(company)
        if (fence === undefined) return undefined
        if (closing.signal.aborted) {
          await give(company, fence)
          throw unavailable("The store is closed")
        }
        first = Math.min(first, fence)
        const entry: Held = { fence, ended: new AbortController() }
        held.set(company, entry)
        let released: Promise<void> | undefined
        return { fence, lost: entry.ended.signal, release: () => (released ??= release(company, entry)) }
      } finally {
        asking.delete(company)
      }
    },
    issued: (fence) => fence >= first,
    fenced(company, fence) {
      if (held.get(company)?.fence === fence) end(company)
    },
    async close() {
      closing.abort(new Error("The store is closed"))
      const entries = [...held]
      for (const [company] of entries) end(company)
      // What cannot be told now lapses with the heartbeat.
      await Promise.allSettled(entries.map(([company, { fence }]) => give(company, fence)))
      await heartbeat.end().catch(() => undefined)
    },
  }
}
