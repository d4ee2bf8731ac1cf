import { call, one } from "../api.ts"
import { type Command, word } from "../command.ts"
import { wrongUse } from "../failure.ts"

interface Erased {
  readonly companyId: string
  readonly erased: boolean
  readonly unlinked: boolean
  readonly pending?: readonly string[]
}

export const erase: Command = {
  name: "erase",
  summary: "Erase everything a company ever had",
  usage: "<company> --yes",
  words: ["company"],
  options: { yes: { type: "boolean" } },
  optionHelp: { yes: "Nothing brings it back but an export" },
  check(given) {
    if (!given.flag("yes")) {
      throw wrongUse(`This erases everything that ${given.words[0]} ever had`, "Add --yes if that is what you want")
    }
  },
  async run(context) {
    const { out, reach } = context
    const { server } = await reach()
    const { data } = await call<{ data: Erased }>(server, "DELETE", one(word(context, 0)))
    out.line(`${data.companyId} is erased`)
    for (const store of data.pending ?? []) {
      out.note(`Store ${store} is away; what it has is erased by the server once it is back`)
    }
    if (!data.unlinked) out.note("WhatsApp was not told, since no line was connected: remove the device on the phone")
    out.result(data)
    return 0
  },
}
