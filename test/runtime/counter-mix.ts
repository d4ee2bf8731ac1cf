import type { MessageKind, SandboxPhone } from "../sandbox/index.ts"
import type { Answer } from "../support/platform.ts"
import type { Cast, Member } from "./counter-cast.ts"
import { dataOf, type Stage } from "./stage.ts"
import { pick } from "./traffic.ts"

/** What was done, as far as only its author knows. What became of it the sandbox and the server tell. */
export interface Book {
  /** Written to a company by people it hears: by company, `<who> <id>`. */
  readonly written: ReadonlyMap<string, ReadonlySet<string>>
  /** Written by blocked people: by company. */
  readonly dropped: ReadonlyMap<string, ReadonlySet<string>>
  /** Sent by a company's own phone. */
  readonly own: ReadonlyMap<string, ReadonlySet<string>>
  /** Messages that were stopped, as the answers say. */
  readonly stopped: { readonly told: number; readonly unanswered: number }
  /** Answers by status; 0 where a kill came first. */
  readonly answers: ReadonlyMap<number, number>
  /** Sends to numbers that are not on WhatsApp, by what was said to them. */
  readonly strange: { readonly refused: number; readonly open: number }
}

export interface Mix {
  readonly book: Book
  /** How many operations have ended. */
  readonly done: number
  /** Does one operation, whichever chance picks. Rejects when the sandbox does. */
  step(): Promise<void>
}

type Operation = () => Promise<void>

/** `alive` resolves when there is a server to talk to. */
export function createMix(stage: Stage, cast: Cast, alive: () => Promise<void>): Mix {
  const written = byCompany()
  const dropped = byCompany()
  const own = byCompany()
  const answers = new Map<number, number>()
  const stopped = { told: 0, unanswered: 0 }
  const strange = { refused: 0, open: 0 }
  let begun = 0
  let done = 0

  const text = (): string => `number ${++begun}`
  const company = (): Member => pick(cast.ordinary, draw())
  const person = (): SandboxPhone => pick(cast.people, draw())

  const ask = async (method: string, path: string, body?: unknown, headers?: Record<string, string>) => {
    await alive()
    const answer = await stage.platform.call(method, `/api/whatsapp${path}`, body, headers).catch(() => undefined)
    const status = answer?.status ?? 0
    answers.set(status, (answers.get(status) ?? 0) + 1)
    return answer
  }
  const send = (from: Member, body: object, headers?: Record<string, string>): Promise<Answer | undefined> =>
    ask("POST", "/send", { companyId: from.id, message: text(), ...body }, headers)

  /** Asks again under the same key until somebody answers, and then once more. */
  const repeat = async (): Promise<void> => {
    const key = { "idempotency-key": `key-${++begun}` }
    const body = { phone: person().number, message: text() }
    const from = company()
    for (let answered = 0; answered < 2; ) {
      const answer = await send(from, body, key)
      if (answer !== undefined && answer.status !== 409) answered++
    }
  }

  const stranger = async (): Promise<void> => {
    const answer = await send(company(), { phone: pick(cast.strangers, draw()).number })
    if (answer?.status === 422) strange.refused++
    else if (answer === undefined || answer.status === 202) strange.open++
  }

  const batch = async (stops: boolean): Promise<void> => {
    const from = company()
    const messages = Array.from({ length: 3 + (draw() % 6) }, () => ({ phone: person().number, message: text() }))
    // One of them is no number, and keeps back none of the others.
    messages.push({ phone: "nobody", message: text() })
    const answer = await ask("POST", "/send/batch", { companyId: from.id, messages })
    const { batchId } = answer === undefined ? { batchId: undefined } : dataOf<{ batchId?: string }>(answer)
    if (!stops || batchId === undefined) return
    const ended = await ask("DELETE", `/send/batch/${batchId}`)
    if (ended === undefined) stopped.unanswered += messages.length
    else stopped.told += dataOf<{ stopped?: number }>(ended).stopped ?? 0
  }

  const write = async (from: SandboxPhone, to: Member, what: Partial<Said> = {}): Promise<void> => {
    const { id, kind, inGroup } = what
    const sent = await from.send(inGroup ? to.group : to.number, kind === "reaction" ? "👍" : text(), id, kind)
    const book = from === cast.blocked ? dropped : written
    note(book, to, `${from.number}${inGroup ? " in the group" : ""} ${sent.id}`)
  }

  /** Two people who happen upon one id. */
  const coincide = async (): Promise<void> => {
    const to = company()
    const id = `3AC0${String(++begun).padStart(16, "0")}`
    await write(cast.ann, to, { id })
    await write(cast.cat, to, { id })
  }

  const ownPhone = async (): Promise<void> => {
    const from = company()
    const sent = await from.phone.send(person().number, text())
    note(own, from, sent.id)
  }

  const table: readonly (readonly [weight: number, operation: Operation])[] = [
    [26, async () => void (await send(company(), { phone: person().number }))],
    [10, async () => void (await send(company(), { phone: person().number }, { prefer: "respond-async" }))],
    [5, async () => void (await send(company(), { to: `${cast.lidOf(person())}@lid` }))],
    [4, async () => void (await sendToGroup())],
    [3, () => batch(false)],
    [1, () => batch(true)],
    [4, repeat],
    [3, stranger],
    [2, async () => void (await send(company(), { phone: "not a phone" }))],
    [1, async () => void (await ask("POST", "/send", { phone: person().number, message: text() }))],
    [2, async () => void (await send(company(), { phone: cast.blocked.number }))],
    [3, async () => void (await send(cast.refused, { phone: cast.ann.number }))],
    [1, async () => void (await send(cast.refused, { phone: cast.ben.number }))],
    [4, async () => void (await send(cast.limited, { phone: person().number }))],
    [16, () => write(person(), company())],
    [3, () => write(person(), company(), { inGroup: true })],
    [2, () => write(person(), company(), { kind: "reaction" })],
    [2, () => write(person(), company(), { kind: "location" })],
    [1, coincide],
    [2, () => write(cast.blocked, company())],
    [1, () => write(cast.blocked, company(), { inGroup: true })],
    [2, ownPhone],
    [1, () => write(person(), cast.refused)],
    [1, () => write(person(), cast.limited)],
  ]
  const sendToGroup = (): Promise<unknown> => {
    const from = company()
    return send(from, { to: from.group })
  }
  const operations = table.flatMap(([weight, operation]) => Array.from({ length: weight }, () => operation))

  return {
    book: { written, dropped, own, stopped, answers, strange },
    get done() {
      return done
    },
    async step() {
      await pick(operations, draw())()
      done++
    },
  }
}

interface Said {
  readonly id: string
  readonly kind: MessageKind
  readonly inGroup: boolean
}

type ByCompany = Map<string, Set<string>>

const byCompany = (): ByCompany => new Map()

function note(book: ByCompany, { id }: Member, what: string): void {
  const set = book.get(id) ?? new Set()
  book.set(id, set.add(what))
}

const draw = (): number => Math.floor(Math.random() * 1_000_000)
