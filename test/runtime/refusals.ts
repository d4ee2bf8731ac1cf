import { dataOf, type Stage, type StageCompany } from "./stage.ts"
import { createTraffic, type Sent } from "./traffic.ts"

/** What a send is told when WhatsApp does not take the message. */
export interface RefusalFigures {
  readonly restricted: Sent
  readonly refused: Sent
  readonly stranger: Sent
  /** A text in a chat that was there before the lock on new ones, after the next login. */
  readonly known: Sent
  /** Stanzas that WhatsApp saw of the refused ones, a while after the answers: one each when nothing is tried again. */
  readonly stanzas: readonly number[]
}

const CONTACT = "79001233001"
const NEW_CONTACT = "79001233002"
const STRANGER = "79001233003"
const SILENT = "79001233004"

export async function runRefusals(stage: Stage, company: StageCompany): Promise<RefusalFigures> {
  const { sandbox } = stage
  const contact = await stage.phone(CONTACT)
  const newContact = await stage.phone(NEW_CONTACT)
  const stranger = await sandbox.phone(STRANGER, { registered: false })
  const traffic = createTraffic(stage)
  const refuse = (code: number) => sandbox.fault({ kind: "refuse-message", line: company.number, code, count: 1 })

  await traffic.send(company, contact)
  await refuse(479)
  const refused = await traffic.send(company, contact)
  const unknown = await traffic.send(company, stranger)
  // The lock on new chats comes last, since it stays.
  await refuse(463)
  const restricted = await traffic.send(company, newContact)

  // Whatever is tried again by itself is tried again at the next login.
  const { loginsAccepted } = await company.line.view()
  await company.line.cut()
  await company.line.waitFor({ loginsAccepted: loginsAccepted + 1 }, 30_000)
  const known = await traffic.send(company, contact)
  const seen = await company.line.sent()
  const stanzas = seen.filter(({ acked }) => !acked).map(({ times }) => times)
  return { restricted, refused, stranger: unknown, known, stanzas }
}

/** A message that WhatsApp takes without a word: 202, and sent once it has said so after the next login. */
export interface MissingAckFigures {
  readonly answer: Sent
  /** The message's status right after the answer, and after the next login. */
  readonly before: string
  readonly after: string
  /** Under how many ids the phone has it, and how often it came. */
  readonly copies: number
  readonly times: number
}

export async function runMissingAck(stage: Stage, company: StageCompany): Promise<MissingAckFigures> {
  // A phone that confirms nothing: its receipt would tell as much as WhatsApp's own word.
  const contact = await stage.sandbox.phone(SILENT, { deliver: false })
  const traffic = createTraffic(stage)
  await stage.sandbox.fault({ kind: "missing-ack", line: company.number, count: 1 })
  const answer = await traffic.send(company, contact, { text: "Did you get this?" })
  const before = await statusOf(stage, company, answer)
  const { loginsAccepted } = await company.line.view()
  await company.line.cut()
  await company.line.waitFor({ loginsAccepted: loginsAccepted + 1 }, 30_000)
  await company.line.waitFor({ repeats: 1 }, 30_000)
  // The next message of the same chat goes out after it.
  await traffic.send(company, contact)
  const copies = await contact.messages({ text: answer.text })
  const times = copies.reduce((sum, copy) => sum + copy.times, 0)
  return { answer, before, after: await statusOf(stage, company, answer), copies: copies.length, times }
}

async function statusOf(stage: Stage, { id }: StageCompany, { messageId }: Sent): Promise<string> {
  const answer = await stage.platform.call("GET", `/api/whatsapp/messages/${id}/${messageId}`)
  return dataOf<{ status: string }>(answer).status
}
