import type { PluginContext } from "../../core/plugin.ts"
import { createBoundedMap } from "./bounded.ts"
import { inTime } from "./in-time.ts"
import { spellingsOf } from "./spellings.ts"

/** Finds out which spelling of a number has the account, and keeps it. */
export interface Resolver {
  /** The spelling to send to; at once for a number that has one only, or was looked at before. */
  resolve(company: string, phone: string): string | Promise<string>
  /** As `resolve`, and whether that spelling is on WhatsApp, as far as this or an earlier question tells. */
  look(company: string, phone: string): Promise<Looked>
  /** WhatsApp has shown that this very spelling has an account. */
  seen(company: string, phone: string): Promise<void>
  /** A message to this spelling found nobody: the next send asks anew. */
  missed(company: string, phone: string): Promise<void>
}

export interface Looked {
  readonly phone: string
  readonly onWhatsApp: boolean | undefined
}

export interface ResolverDeps
  extends Pick<PluginContext<unknown, string>, "sessions" | "storage" | "companies" | "atomic" | "clock" | "log"> {
  /** Whether the operator lets messages go to this spelling. */
  readonly allowed: (phone: string) => boolean
}

interface Known {
  readonly phone: string
  /** Epoch ms at which WhatsApp has shown it. */
  readonly at?: number
  /** Monotonic ms; absent for what is on record. */
  readonly until?: number
  /** WhatsApp has said that it knows neither spelling. */
  readonly absent?: boolean
}

interface Kept {
  readonly phone: string
  readonly at: number
}

const REMEMBERED = 10_000
/** Both questions together, so that the record is still written within the time of a hook. */
const ASKED_MS = 1_200
/** After a question that gave nothing: a wrong number must not be asked about again with each send. */
const FRUITLESS_MS = 60_000
/** After no answer: a batch would wait in vain for each of its numbers. */
const QUIET_MS = 10_000
/** For so long an answer tells that somebody is on WhatsApp; which spelling they have it tells for ever. */
const FRESH_MS = 86_400_000
/** Of one company: enough for a campaign that begins, too few to look like one that hunts for accounts. */
const QUESTIONS = { limit: 30, windowMs: 60_000, cost: 1 }

export function createResolver(deps: ResolverDeps): Resolver {
  const { sessions, storage, companies, atomic, clock, log } = deps
  const known = createBoundedMap<Known>(REMEMBERED)
  /** A hundred messages to one number ask once. */
  const asking = new Map<string, Promise<string>>()
  /** Until when each company is asked nothing, monotonic ms. */
  const quiet = createBoundedMap<number>(REMEMBERED)
  // An erased company's knowledge is not that of the next one with its id.
  const idOf = (company: string, usual: string): string => `${company}\n${companies.generation(company)}\n${usual}`

  /** The name of the record comes first; undefined where there is nothing to choose. */
  const spellings = (phone: string): readonly [string, string] | undefined => {
    const both = spellingsOf(phone)
    return both?.every((one) => one === phone || deps.allowed(one)) === true ? both : undefined
  }

  const keep = async (company: string, usual: string, phone: string): Promise<void> => {
    const kept: Kept = { phone, at: clock.now() }
    known.set(idOf(company, usual), kept)
    try {
      await storage.of(company).put(usual, kept)
    } catch (error) {
      // The message itself is stored next and says what is wrong; after a restart the number is asked about once more.
      log.warn({ company, error }, "Which spelling of a number is on WhatsApp could not be recorded")
    }
  }

  /** Undefined when WhatsApp did not say in time; null when it knows neither. */
  const ask = async (company: string, both: readonly string[]): Promise<string | null | undefined> => {
    const end = clock.monotonic() + ASKED_MS
    for (const phone of both) {
      const left = end - clock.monotonic()
      if (left <= 0) return undefined
      const contact = await sessions.lookup(company, phone, left)
      if (contact === undefined) continue
      // WhatsApp may know the number given by its other spelling, which is then the one that has the account.
      const named = /^(\d+)@/.exec(contact.address)?.[1]
      return both.find((one) => one === named) ?? phone
    }
    return null
  }

  const find = async (company: string, both: readonly [string, string]): Promise<string> => {
    const [usual] = both
    const kept = await storage.of(company).get<Kept>(usual)
    if (kept !== undefined && both.includes(kept.phone)) {
      known.set(idOf(company, usual), { phone: kept.phone, at: kept.at })
      return kept.phone
    }
    if (sessions.get(company)?.connected !== true || (quiet.get(company) ?? 0) > clock.monotonic()) return usual
    if (!(await atomic.local.take(`validation spellings ${company}`, QUESTIONS)).taken) return usual
    // How it failed may name the number; that it did is all that matters here.
    const answer = await inTime(clock, ASKED_MS, ask(company, both)).catch(() => undefined)
    if (typeof answer === "string") {
      await keep(company, usual, answer)
      return answer
    }
    known.set(idOf(company, usual), {
      phone: usual,
      until: clock.monotonic() + FRUITLESS_MS,
      absent: answer === null,
    })
    if (answer === undefined) {
      log.debug({ company }, "WhatsApp did not say which spelling of a number it knows")
      quiet.set(company, clock.monotonic() + QUIET_MS)
    }
    return usual
  }

  const remembered = (id: string): Known | undefined => {
    const before = known.get(id)
    return before !== undefined && (before.until ?? Number.POSITIVE_INFINITY) > clock.monotonic() ? before : undefined
  }

  const resolve = (company: string, phone: string): string | Promise<string> => {
    const both = spellings(phone)
    if (both === undefined) return phone
    const id = idOf(company, both[0])
    const before = remembered(id)
    if (before !== undefined) return before.phone
    const running = asking.get(id)
    if (running !== undefined) return running
    const question = find(company, both).finally(() => asking.delete(id))
    asking.set(id, question)
    return question
  }

  return {
    resolve,

    async look(company, phone) {
      const spelling = await resolve(company, phone)
      const both = spellings(phone)
      const found = both && remembered(idOf(company, both[0]))
      if (found?.absent === true) return { phone: spelling, onWhatsApp: false }
      const isFresh = found?.at !== undefined && clock.now() - found.at < FRESH_MS
      return { phone: spelling, onWhatsApp: isFresh ? true : undefined }
    },

    async seen(company, phone) {
      const both = spellings(phone)
      if (both === undefined) return
      const before = known.get(idOf(company, both[0]))
      if (before?.phone === phone && before.until === undefined) return
      const kept = await storage.of(company).get<Kept>(both[0])
      if (kept?.phone === phone) known.set(idOf(company, both[0]), { phone, at: kept.at })
      else await keep(company, both[0], phone)
    },

    async missed(company, phone) {
      const both = spellings(phone)
      if (both === undefined || known.get(idOf(company, both[0]))?.until !== undefined) return
      known.delete(idOf(company, both[0]))
      await storage.of(company).delete(both[0])
    },
  }
}
