import type { SandboxPhone } from "../sandbox/index.ts"
import type { Answer } from "../support/platform.ts"
import { dataOf, type Stage, type StageCompany, wait } from "./stage.ts"

/** A text that a company was asked to send, and what was said to it. */
export interface Sent {
  readonly company: StageCompany
  readonly text: string
  readonly contact: string
  /** From the request to its answer, or to its end without one. */
  ms: number
  /** HTTP status; 0 while there is none, and for ever when the request was cut off. */
  status: number
  /** False when nobody took the connection: the server was gone before. */
  reached: boolean
  code: string | undefined
  messageId: string | undefined
}

/** A text that a phone sent to a company. */
export interface Written {
  readonly company: StageCompany
  readonly from: string
  readonly text: string
}

/** Everything that was said in both directions, to be compared with what arrived. */
export interface Traffic {
  readonly sent: readonly Sent[]
  readonly written: readonly Written[]
  /** Asks the server to send; never rejects: a cut-off request has no status. */
  send(company: StageCompany, contact: SandboxPhone, options?: SendOptions): Promise<Sent>
  /** The contact writes to the company. */
  write(contact: SandboxPhone, company: StageCompany): Promise<Written>
}

export interface SendOptions {
  /** Asks for an answer as soon as the message is stored. */
  readonly async?: boolean
  readonly text?: string
}

/** `label` begins each text, so that what two servers say can be told apart. */
export function createTraffic(stage: Pick<Stage, "platform">, label = ""): Traffic {
  const sent: Sent[] = []
  const written: Written[] = []
  return {
    sent,
    written,
    async send(company, contact, options = {}) {
      const text = options.text ?? `${label}to contact, number ${sent.length + 1}`
      const one: Sent = {
        company,
        text,
        contact: contact.number,
        ms: 0,
        status: 0,
        reached: true,
        code: undefined,
        messageId: undefined,
      }
      sent.push(one)
      const body = { companyId: company.id, phone: contact.number, message: text }
      const headers: Record<string, string> = options.async ? { prefer: "respond-async" } : {}
      const begun = performance.now()
      try {
        note(one, await stage.platform.call("POST", "/api/whatsapp/send", body, headers))
      } catch (fault) {
        // The server ended under it, or had ended before: what counts is that no answer came.
        one.reached = codeOf(fault) !== "ECONNREFUSED"
      }
      one.ms = performance.now() - begun
      return one
    },
    async write(contact, company) {
      const one = { company, from: contact.number, text: `${label}to company, number ${written.length + 1}` }
      written.push(one)
      await contact.send(company.number, one.text)
      return one
    },
  }
}

function note(one: Sent, answer: Answer): void {
  one.status = answer.status
  one.code = (answer.body.error as { code?: string } | undefined)?.code
  one.messageId = dataOf<{ messageId?: string }>(answer).messageId
}

export const promised = ({ status }: Sent): boolean => status === 200 || status === 202

/** Every company sends, every other time with an answer at once, and each is written to, until it is stopped or cut off. */
export function startNoise(
  stage: Stage,
  traffic: Traffic,
  contacts: readonly SandboxPhone[],
  everyMs = 20,
): { stop(): Promise<void> } {
  let running = true
  const sender = async (company: StageCompany, first: number): Promise<void> => {
    for (let i = first; running; i++) {
      const { status } = await traffic.send(company, pick(contacts, i), { async: i % 2 === 0 })
      if (status === 0) return
    }
  }
  const writer = async (company: StageCompany, first: number): Promise<void> => {
    for (let i = first; running; i++) {
      await traffic.write(pick(contacts, i), company)
      await wait(everyMs)
    }
  }
  const all = Promise.all(stage.companies.flatMap((company, i) => [sender(company, i), writer(company, i)]))
  return {
    async stop() {
      running = false
      await all
    },
  }
}

export function pick<T>(list: readonly T[], index: number): T {
  return list[index % list.length] as T
}

const codeOf = (fault: unknown): unknown => (fault as { cause?: { code?: unknown } }).cause?.code
