import { setTimeout as sleep } from "node:timers/promises"
import { call } from "../api.ts"
import type { Command } from "../command.ts"
import { CommandFailure } from "../failure.ts"

interface Progress {
  readonly state: "idle" | "running" | "done" | "failed"
  readonly companies: { readonly total: number; readonly done: number; readonly failed: number }
  readonly records: number
  readonly failures: readonly { readonly company?: string; readonly message?: string }[]
}

const PATH = "/api/whatsapp/encryption/reseal"
const POLL_MS = 200

export const reseal: Command = {
  name: "reseal",
  summary: "Seal everything under the newest encryption key",
  usage: "",
  words: [],
  options: {},
  optionHelp: {},
  more: "Lines go on meanwhile. Afterwards the former keys can be taken out of WHATSAPP_ENCRYPTION_KEYS_OLD.",
  async run({ out, reach }) {
    const { server } = await reach()
    let { data: now } = await call<{ data: Progress }>(server, "POST", PATH)
    const progress = out.progress("companies sealed")
    try {
      while (now.state === "running") {
        progress.at(now.companies.done, now.companies.total)
        await sleep(POLL_MS)
        now = (await call<{ data: Progress }>(server, "GET", PATH)).data
      }
    } finally {
      progress.end()
    }
    const { total, done, failed } = now.companies
    if (now.state === "failed" || failed > 0) {
      throw new CommandFailure(`${failed} of ${total} companies could not be sealed anew`, {
        details: now.failures.map((failure) => JSON.stringify(failure)),
        remedy: "Try again: what has been done stays done",
      })
    }
    out.line(`${done} of ${total} companies are sealed under the newest key; ${now.records} records were written anew`)
    out.result(now)
    return 0
  },
}
