import type { Companies } from "../companies.ts"
import { appError } from "../errors.ts"
import type { Line } from "./line.ts"
import type { SessionStatus } from "../types.ts"
import type { SessionsView } from "../views.ts"

export interface SessionsViewDeps {
  /** Those in memory. */
  readonly lines: ReadonlyMap<string, Line>
  readonly companies: Pick<Companies, "all">
  look(company: string): Promise<SessionStatus | undefined>
}

/** Records read side by side; others get their turn between. */
const SIDE_BY_SIDE = 100

/** What plugins may see of the lines, and ask of them. */
export function createSessionsView({ lines, companies, look }: SessionsViewDeps): SessionsView {
  return {
    list: () => [...lines.values()].map((line) => line.status()),
    get: (company) => lines.get(company)?.status(),
    look,

    async all() {
      const ids = await companies.all()
      const all: SessionStatus[] = []
      for (let at = 0; at < ids.length; at += SIDE_BY_SIDE) {
        const some = await Promise.all(ids.slice(at, at + SIDE_BY_SIDE).map(look))
        all.push(...some.filter((status) => status !== undefined))
      }
      return all
    },

    async prove(company, timeoutMs) {
      const line = lines.get(company)
      if (line === undefined) throw appError("NO_ACTIVE_SESSION")
      await line.prove(timeoutMs)
    },

    heal: (company) => lines.get(company)?.heal() ?? false,

    async lookup(company, phone, timeoutMs) {
      const connection = lines.get(company)?.connection
      if (connection === undefined) throw appError("NO_ACTIVE_SESSION")
      if (connection.lookup === undefined) throw appError("NOT_SUPPORTED")
      return connection.lookup(phone, timeoutMs)
    },
  }
}
