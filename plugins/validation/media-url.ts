import type { Egress, Fault, PluginContext } from "../../core/plugin.ts"
import { inTime } from "./in-time.ts"

export interface UrlGuard {
  /** What stands against the URL, for the field at `path`; `busy` when too many of the company's are being looked at. */
  judge(company: string, url: string, path: string): Promise<Fault | "busy" | undefined>
}

export interface UrlGuardDeps {
  readonly egress: Egress
  readonly clock: PluginContext<unknown, string>["clock"]
}

/** A judgement waits for name servers, which may be the caller's own and as slow as they please; a hook has 2 s. */
const JUDGED_MS = 1_700
const AT_ONCE = 16

export function createUrlGuard({ egress, clock }: UrlGuardDeps): UrlGuard {
  const judging = new Map<string, number>()

  return {
    async judge(company, url, path) {
      const running = judging.get(company) ?? 0
      if (running >= AT_ONCE) return "busy"
      judging.set(company, running + 1)
      const judgement = egress.judge(url).finally(() => {
        const left = (judging.get(company) ?? 1) - 1
        if (left === 0) judging.delete(company)
        else judging.set(company, left)
      })
      const fault = await inTime(clock, JUDGED_MS, judgement)
      // A name that nobody knows now leads nowhere yet; every URL is judged again when it is fetched.
      if (fault === undefined || fault.reason === "unresolved") return undefined
      return { path, code: "INVALID_MEDIA_URL", message: fault.message }
    },
  }
}
