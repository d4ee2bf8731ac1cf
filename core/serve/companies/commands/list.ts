import { call } from "../api.ts"
import type { Command } from "../command.ts"

interface Entry {
  readonly companyId: string
  readonly name: string | null
  readonly storage: string
  readonly provider: string
  readonly status: string
  readonly lastActivity: string | null
}

interface Page {
  readonly data: readonly Entry[]
  readonly nextCursor: string | null
}

export const list: Command = {
  name: "list",
  summary: "Show all companies, with their stores and states",
  usage: "",
  words: [],
  options: {},
  optionHelp: {},
  async run({ out, reach }) {
    const { server } = await reach()
    const companies: Entry[] = []
    for (let cursor: string | null = ""; cursor !== null; ) {
      const query = cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`
      const page: Page = await call<Page>(server, "GET", `/api/whatsapp/companies?limit=200${query}`)
      companies.push(...page.data)
      cursor = page.nextCursor
    }
    out.table(
      ["COMPANY", "NAME", "STORE", "PROVIDER", "STATUS", "LAST ACTIVITY"],
      companies.map(({ companyId, name, storage, provider, status, lastActivity }) => [
        companyId,
        name ?? "",
        storage,
        provider,
        status,
        lastActivity ?? "never",
      ]),
    )
    out.result(companies)
    return 0
  },
}
