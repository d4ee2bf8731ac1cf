import { randomInt } from "node:crypto"
import { el, type Node } from "./binary.ts"
import type { Addressing } from "./jid.ts"
import { jidOf, type Account, type Group, type World } from "./world.ts"

const NOT_FOUND = 404

export function createGroup(
  world: World,
  creator: Account,
  others: readonly Account[],
  subject: string,
  addressing: Addressing,
): Group {
  const created = Math.floor(Date.now() / 1000)
  const jid = `120363${randomInt(10 ** 11, 10 ** 12)}@g.us`
  const group: Group = { jid, subject, addressing, creator, created, members: new Set([creator, ...others]) }
  world.groups.set(jid, group)
  return group
}

export function groupAnswer(world: World, jid: string): Node[] | number {
  const group = world.groups.get(jid)
  return group ? [groupNode(group)] : NOT_FOUND
}

export function groupsAnswer(world: World, account: Account): Node[] {
  const own = [...world.groups.values()].filter((group) => group.members.has(account))
  return [el("groups", {}, own.map(groupNode))]
}

function groupNode(group: Group): Node {
  const { addressing, creator, created, subject, members } = group
  const participants = [...members].map((member) => {
    const type = member === creator ? "superadmin" : undefined
    const other = jidOf(member, addressing === "lid" ? "pn" : "lid")
    const alternative = addressing === "lid" ? { phone_number: other } : { lid: other }
    return el("participant", { jid: jidOf(member, addressing), type, ...alternative })
  })
  const attrs = {
    id: group.jid.split("@")[0],
    subject,
    s_t: created,
    creation: created,
    creator: jidOf(creator, addressing),
    creator_pn: jidOf(creator, "pn"),
    size: members.size,
    addressing_mode: addressing,
  }
  return el("group", attrs, participants)
}
