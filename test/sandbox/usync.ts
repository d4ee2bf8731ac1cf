import { bytesOf, child, children, el, seconds, type Node } from "./binary.ts"
import { addressingOf } from "./jid.ts"
import { accountOf, jidOf, type Account, type World } from "./world.ts"

/** Who is on WhatsApp, with which devices and which LID. */
export function usyncAnswer(world: World, request: Node | undefined): Node[] {
  const asked = new Set(children(child(request, "query")).map((item) => item.tag))
  const users = children(child(request, "list"), "user").map((user) => answerUser(world, asked, user))
  const results = [...asked].map((tag) => el(tag))
  return [el("usync", { ...request?.attrs }, [el("result", {}, results), el("list", {}, users)])]
}

function answerUser(world: World, asked: Set<string>, user: Node): Node {
  const number = bytesOf(child(user, "contact"))?.toString().replace(/\D/g, "")
  const jid = user.attrs.jid ?? `${number ?? ""}@s.whatsapp.net`
  const found = accountOf(world, jid) ?? world.spellings.get(number ?? "")
  const account = found?.registered ? found : undefined
  const answers: Node[] = []
  if (asked.has("contact")) answers.push(el("contact", { type: account ? "in" : "out" }))
  if (asked.has("devices") && account) answers.push(devices(account))
  if (asked.has("lid") && account && addressingOf(jid) === "pn") answers.push(el("lid", { val: jidOf(account, "lid") }))
  const name = account ? jidOf(account, addressingOf(jid)) : jid
  return el("user", { jid: name }, answers)
}

/** Clients ignore devices other than 0 that have no key index. */
function devices(account: Account): Node {
  const list = [el("device", { id: 0 })]
  for (const line of account.lines.values()) list.push(el("device", { id: line.id, "key-index": line.keyIndex }))
  return el("devices", {}, [el("device-list", {}, list), el("key-index-list", { ts: seconds() })])
}
