import { setTimeout as sleep } from "node:timers/promises"
import { call, one } from "../api.ts"
import { type Command, word } from "../command.ts"
import { CommandFailure, wrongUse } from "../failure.ts"

interface Company {
  readonly storage: string
  readonly move: {
    readonly from: string
    readonly to: string
    readonly state: "waiting" | "copying" | "removing" | "undoing" | "done" | "failed"
    readonly startedAt: string
    readonly copied: number | null
    readonly total: number | null
    readonly error: { readonly code: string; readonly message: string } | null
  } | null
}

const POLL_MS = 200
/** Without a server nobody tries again to clean up a store that is away. */
const TIDY_MS = 15_000

export const move: Command = {
  name: "move",
  summary: "Move a company's auth state to another store; it stays linked",
  usage: "<company> --to <store>",
  words: ["company"],
  options: { to: { type: "string" } },
  optionHelp: { "to <store>": "A store of WHATSAPP_STORES or of the config file" },
  more: "Sends queue meanwhile. The old store stays in charge until the copy has been verified.",
  check(given) {
    if (given.text("to") === undefined) throw wrongUse("Where to? Name a store with --to")
  },
  async run(context) {
    const { out, reach } = context
    const company = word(context, 0)
    const to = context.text("to") ?? ""
    const { server } = await reach()
    const look = async (): Promise<Company> => (await call<{ data: Company }>(server, "GET", one(company))).data
    const before = await look()
    if (
      before.storage === to &&
      (before.move === null || before.move.state === "done" || before.move.state === "failed")
    ) {
      out.line(`${company} is in ${to} already`)
      out.result({ company, storage: to, moved: false })
      return 0
    }
    let { data: now } = await call<{ data: Company }>(server, "PUT", one(company), { storage: to }).catch((thrown) => {
      if (!(thrown instanceof CommandFailure) || thrown.code !== "MOVE_UNDER_WAY" || server.running) throw thrown
      const remedy = "An earlier move was interrupted: start the server, which finishes it by itself"
      throw new CommandFailure(thrown.message, { code: thrown.code, remedy })
    })
    const progress = out.progress(`${company}: records copied`)
    const begun = performance.now()
    try {
      while (now.move !== null && now.move.state !== "done" && now.move.state !== "failed") {
        const { copied, total, state } = now.move
        if (copied !== null && total !== null) progress.at(copied, total)
        if (!server.running && state !== "copying" && performance.now() - begun > TIDY_MS) break
        await sleep(POLL_MS)
        now = await look()
      }
    } finally {
      progress.end()
    }
    if (now.move?.error) {
      const { code, message } = now.move.error
      throw new CommandFailure(`${company} stays in ${now.storage}: ${message}`, { code })
    }
    const left = now.move !== null && now.move.state !== "done"
    out.line(`${company} is in ${now.storage} now`)
    if (left) out.note(`What ${now.move?.from} still has of it is removed at the next start of the server`)
    out.result({ company, storage: now.storage, moved: true, tidied: !left })
    return 0
  },
}
