import { bytesOf, child, children, el, fromBigEndian, type Node } from "./binary.ts"
import { groupAnswer, groupsAnswer } from "./groups.ts"
import { SERVER } from "./jid.ts"
import type { Line } from "./line.ts"
import { bundlesAnswer } from "./prekeys.ts"
import { count } from "./stats.ts"
import { usyncAnswer } from "./usync.ts"
import type { World } from "./world.ts"

/** Answers with the content of the result, or with an error code. */
type Handler = (context: { world: World; line: Line; node: Node; request: Node | undefined }) => Node[] | number

const PRIVACY = ["readreceipts", "profile", "status", "online", "last", "groupadd", "calladd"]
const PROFILE_PICTURE_MISSING = 404
const APP_STATE_VERSION = 1

/** By `namespace type child`; the ones that a client needs to log in and to talk. */
const HANDLERS: Record<string, Handler> = {
  "encrypt get count": ({ line }) => [el("count", { value: line.preKeys.size })],
  "encrypt get digest": ({ line }) => [
    el("digest", {}, [el("registration", {}, String(line.registration.registrationId))]),
  ],
  "encrypt get key": ({ world, request }) => bundlesAnswer(world, request),
  "encrypt set registration": ({ line, node }) => uploadPreKeys(line, node),
  "encrypt set rotate": ({ line, request }) => rotateSignedPreKey(line, request),
  "passive set active": () => [],
  "passive set passive": () => [],
  "usync get usync": ({ world, request }) => usyncAnswer(world, request),
  "abt get props": () => [el("props", { protocol: 1, hash: "sandbox" })],
  "blocklist get": () => [el("list")],
  "privacy get privacy": () => [
    el(
      "privacy",
      {},
      PRIVACY.map((name) => el("category", { name, value: "all" })),
    ),
  ],
  "privacy set tokens": () => [],
  "w:p get ping": ({ line }) => {
    line.account.stats.pings++
    return []
  },
  "w:p get": ({ line }) => {
    line.account.stats.pings++
    return []
  },
  "w:g2 get query": ({ world, node }) => groupAnswer(world, node.attrs.to ?? ""),
  "w:g2 get participating": ({ world, line }) => groupsAnswer(world, line.account),
  "w:profile:picture get picture": () => PROFILE_PICTURE_MISSING,
  "w:sync:app:state set sync": ({ line, request }) => appState(line, request),
  "w:m set media_conn": () => [
    el("media_conn", { auth: "sandbox", ttl: 300 }, [el("host", { hostname: "localhost:9" })]),
  ],
  "md set remove-companion-device": ({ world, line }) => {
    unlink(world, line, false)
    return []
  },
}

/** Answers an IQ of a linked client. Unknown ones get an empty result and are counted. */
export function answerIq(world: World, line: Line, node: Node): void {
  const { xmlns = "", type = "", id } = node.attrs
  if (type !== "get" && type !== "set") return
  const { stats, phone } = line.account
  const [request] = children(node)
  const name = [xmlns, type, request?.tag].filter((part) => part !== undefined).join(" ")
  count(stats.iqs, name)
  if (world.faults.take("hang-iq", phone, xmlns)) return
  const answer = (content: Node[], outcome = "result"): void => {
    line.connection?.send(el("iq", { from: node.attrs.to ?? SERVER, type: outcome, id }, content))
  }
  const refused = world.faults.take("refuse-iq", phone, xmlns)
  if (refused) return answer([errorNode(refused.code ?? 500)], "error")
  const handler = HANDLERS[name]
  if (!handler) {
    count(stats.unknownIqs, name)
    return answer([])
  }
  const result = handler({ world, line, node, request })
  if (typeof result === "number") answer([errorNode(result)], "error")
  else answer(result)
  if (name === "passive set active") line.goLive()
}

/** Takes a device off its account. With `tell` the client hears it as it would when the phone unlinked it. */
export function unlink(world: World, line: Line, tell: boolean): void {
  line.account.lines.delete(line.id)
  world.journal.note("unlinked", line.account.phone, `device ${line.id}`)
  world.watch.changed()
  if (!tell) return
  line.connection?.end(el("stream:error", { code: 401 }, [el("conflict", { type: "device_removed" })]))
}

function errorNode(code: number): Node {
  return el("error", { code, text: code === 404 ? "item-not-found" : "sandbox-fault" })
}

/** Nothing is ever in it: each collection stays at the version that the client has. */
function appState(line: Line, request: Node | undefined): Node[] {
  line.synced = true
  const collections = children(request, "collection").map(({ attrs }) =>
    el("collection", { name: attrs.name, version: attrs.version ?? APP_STATE_VERSION }),
  )
  return [el("sync", {}, collections)]
}

function uploadPreKeys(line: Line, node: Node): Node[] {
  for (const key of children(child(node, "list"), "key")) {
    const value = bytesOf(child(key, "value"))
    if (!value) continue
    line.preKeys.set(fromBigEndian(bytesOf(child(key, "id"))), value)
    line.account.stats.preKeysUploaded++
  }
  return rotateSignedPreKey(line, node)
}

function rotateSignedPreKey(line: Line, node: Node | undefined): Node[] {
  const skey = child(node, "skey")
  const value = bytesOf(child(skey, "value"))
  const signature = bytesOf(child(skey, "signature"))
  if (value && signature) {
    line.registration.signedPreKey = { id: fromBigEndian(bytesOf(child(skey, "id"))), public: value, signature }
  }
  return []
}
