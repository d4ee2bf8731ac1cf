import type { Foresight, PluginContext } from "../../core/plugin.ts"

/** Whether numbers are on WhatsApp, asked with care: each question counts against the company's account. */
export interface Questions {
  /** Or why it could not be asked. */
  ask(company: string, seen: Foresight, proof: boolean | undefined): Promise<boolean | string>
}

const ANSWER_MS = 5_000
/** Somebody who tries again and again asks WhatsApp once. */
const REMEMBERED_MS = 60_000
const REMEMBERED = 10_000
/** Of one company: enough to look into troubles, too few to look like one that hunts for accounts. */
const QUESTIONS = { limit: 20, windowMs: 60_000, cost: 1 }

type Needs = Pick<PluginContext<unknown, never>, "sessions" | "companies" | "clock" | "atomic">

export function createQuestions({ sessions, companies, clock, atomic }: Needs): Questions {
  const known = new Map<string, { readonly exists: boolean; readonly until: number }>()

  const remember = (id: string, exists: boolean): void => {
    known.delete(id)
    known.set(id, { exists, until: clock.monotonic() + REMEMBERED_MS })
    const oldest = known.size > REMEMBERED ? known.keys().next() : undefined
    if (oldest?.done === false) known.delete(oldest.value)
  }

  const lookup = async (company: string, phone: string): Promise<boolean | string> => {
    // An erased company's knowledge is not that of the next one with its id.
    const id = `${company}\n${companies.generation(company)}\n${phone}`
    const before = known.get(id)
    if (before !== undefined && before.until > clock.monotonic()) return before.exists
    if (!(await atomic.local.take(`health questions ${company}`, QUESTIONS)).taken)
      return "Not asked: too many questions in a minute would cost the account its good name"
    try {
      const exists = (await sessions.lookup(company, phone, ANSWER_MS)) !== undefined
      remember(id, exists)
      return exists
    } catch {
      // How it failed may name the number, and is all the same to whoever asks.
      return "Asked in vain: WhatsApp did not say whether it knows the number"
    }
  }

  return {
    async ask(company, { recipient: { to, onWhatsApp, findings } }, proof) {
      if (to === null) return "Not asked: there is no number"
      if (to.kind !== "phone") return "Not asked: this is an id of WhatsApp's own"
      const refused = Object.values(findings).some((item) => "check" in item && item.check === "phone" && !item.ok)
      if (refused) return "Not asked: the number is not accepted"
      if (onWhatsApp !== undefined) return onWhatsApp
      if (proof === undefined) return "Not asked: the line is not connected"
      if (!proof) return "Not asked: WhatsApp does not answer on the line"
      return lookup(company, to.phone)
    },
  }
}
