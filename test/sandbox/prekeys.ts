import { bigEndian, children, el, type Node } from "./binary.ts"
import type { Bundle } from "./signal.ts"
import { deviceOf, type World } from "./world.ts"

/** The keys for first messages to the devices that a client asks for; each takes one of their one-time pre-keys. */
export function bundlesAnswer(world: World, request: Node | undefined): Node[] {
  const users = children(request, "user").map((user) => {
    const jid = user.attrs.jid ?? ""
    const device = deviceOf(world, jid)
    if (!device) return el("user", { jid }, [el("error", { code: 404, text: "item-not-found" })])
    return el("user", { jid }, bundleNodes(device.bundle()))
  })
  return [el("list", {}, users)]
}

export function bundleNodes(bundle: Bundle): Node[] {
  return [el("registration", {}, bigEndian(bundle.registrationId, 4)), ...keyNodes(bundle)]
}

/** Without the registration id, as in the `keys` of a retry receipt. */
export function keyNodes(bundle: Bundle): Node[] {
  const { identity, signedPreKey, preKey } = bundle
  const nodes = [
    el("type", {}, Buffer.from([5])),
    el("identity", {}, identity),
    el("skey", {}, [
      el("id", {}, bigEndian(signedPreKey.id, 3)),
      el("value", {}, signedPreKey.public),
      el("signature", {}, signedPreKey.signature),
    ]),
  ]
  if (preKey) {
    nodes.push(el("key", {}, [el("id", {}, bigEndian(preKey.id, 3)), el("value", {}, preKey.public)]))
  }
  return nodes
}
