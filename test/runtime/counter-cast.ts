import type { SandboxPhone } from "../sandbox/index.ts"
import { linkCompany, type Stage, type StageCompany } from "./stage.ts"

/** Who takes part: companies that fare differently, and people who behave differently. */
export interface Cast {
  /** Companies to which nothing happens but what happens to everybody. */
  readonly ordinary: readonly Member[]
  /** Everything that it sends is refused by WhatsApp. */
  readonly refused: Member
  /** May send a few messages a second only. */
  readonly limited: Member
  readonly all: readonly Member[]
  /** Read what they get, and write to phones. */
  readonly ann: SandboxPhone
  /** Writes to LIDs. */
  readonly ben: SandboxPhone
  /** Confirms nothing. */
  readonly cat: SandboxPhone
  readonly people: readonly SandboxPhone[]
  /** Nobody writes to it or hears it. */
  readonly blocked: SandboxPhone
  /** Numbers that are not on WhatsApp. */
  readonly strangers: readonly SandboxPhone[]
  /** A person's LID. */
  lidOf(person: SandboxPhone): string
}

export interface Member extends StageCompany {
  /** Its group, with everybody but the other companies. */
  readonly group: string
}

export const BLOCKED_NUMBER = "79001239009"
const FIRST_COMPANY = 4915112347000

export async function gatherCast(stage: Stage, ordinaryCount: number): Promise<Cast> {
  const { sandbox } = stage
  const ann = await sandbox.phone("79001239001", { name: "Ann", read: true })
  const ben = await sandbox.phone("79001239002", { name: "Ben", addressing: "lid" })
  const cat = await sandbox.phone("79001239003", { name: "Cat", deliver: false })
  const people = [ann, ben, cat]
  const blocked = await sandbox.phone(BLOCKED_NUMBER, { name: "Dan" })
  const strangers = await Promise.all(
    ["79001239101", "79001239102"].map((number) => sandbox.phone(number, { registered: false })),
  )
  const lids = new Map<string, string>()
  for (const person of people) lids.set(person.number, (await person.view()).lid)

  const member = async (id: string, index: number): Promise<Member> => {
    const company = await linkCompany(stage, id, String(FIRST_COMPANY + index))
    const members = [company.number, ...people.map(({ number }) => number), blocked.number]
    const { jid } = await sandbox.group({ subject: `Friends of ${id}`, creator: ann.number, members })
    return { ...company, group: jid }
  }
  const ids = [...Array.from({ length: ordinaryCount }, (_, index) => `salon-${index + 1}`), "refused", "limited"]
  const all = await Promise.all(ids.map(member))
  const ordinary = all.slice(0, ordinaryCount)
  const [refused, limited] = all.slice(ordinaryCount) as [Member, Member]

  await changeRefused(stage, refused, ann)
  const rateLimit = { limit: 10, windowMs: 1_000 }
  const changed = await stage.platform.call("PUT", `/api/whatsapp/companies/${limited.id}`, { rateLimit })
  if (changed.status !== 200) throw new Error(`No limit could be set: ${JSON.stringify(changed.body)}`)
  return {
    ordinary,
    refused,
    limited,
    all,
    ann,
    ben,
    cat,
    people,
    blocked,
    strangers,
    lidOf: (person) => lids.get(person.number) ?? "",
  }
}

/** One chat is open before WhatsApp refuses everything: first for a lock on new chats, which stays, then plainly. */
async function changeRefused({ sandbox, platform }: Stage, { id, number }: Member, ann: SandboxPhone): Promise<void> {
  const body = { companyId: id, phone: ann.number, message: "The last one that goes out" }
  const opened = await platform.call("POST", "/api/whatsapp/send", body)
  if (opened.status !== 200) throw new Error(`${id} could not begin a chat: ${JSON.stringify(opened.body)}`)
  await sandbox.fault({ kind: "refuse-message", line: number, code: 463, count: 1 })
  await sandbox.fault({ kind: "refuse-message", line: number, code: 479 })
}
