import process from "node:process"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { InboundMessage } from "../../core/provider.ts"
import { openQuickHouse, type QuickHouse } from "../support/quick-house.ts"

export interface HeapOptions {
  readonly operations: number
  readonly companies: number
  readonly log?: (line: string) => void
  /** Keeps something of every operation, to see that it is noticed. */
  readonly leaks?: boolean
}

export interface HeapVerdict {
  /** Heap after collection, MB: after a tenth of the operations, and at the end. */
  readonly early: number
  readonly late: number
  readonly ratio: number
  readonly perSecond: number
  /** Acknowledged by the provider, and handed in by it. */
  readonly sent: number
  readonly received: number
  /** What the house has counted. */
  readonly countedSent: number
  readonly countedReceived: number
}

const CONTACTS = 8
const AT_ONCE = 256
const LEAK_CHARACTERS = 8_000
const MB = 2 ** 20

/**
 * Half of the operations are sends by HTTP, a quarter messages and a quarter receipts that come in. What is measured is
 * the server's own heap, since what it stores is in files.
 */
export async function runHeap(options: HeapOptions): Promise<HeapVerdict> {
  const { operations, log } = options
  const house = await openQuickHouse({ WHATSAPP_MAX_SESSIONS: String(options.companies) })
  try {
    const companies = Array.from({ length: options.companies }, (_, at) => `company-${at}`)
    await house.connect(companies)
    log?.(`${companies.length} lines are connected`)
    const kept: string[] = []
    let received = 0
    const perform = worker(house, companies, () => received++)
    const run = async (from: number, to: number): Promise<void> => {
      let next = from
      const one = async (): Promise<void> => {
        while (next < to) {
          const n = next++
          await perform(n)
          if (options.leaks === true) kept.push(Buffer.alloc(LEAK_CHARACTERS, `${n} `).toString("latin1"))
        }
      }
      await Promise.all(Array.from({ length: AT_ONCE }, one))
    }
    const begun = performance.now()
    const tenth = Math.floor(operations / 10)
    await run(0, tenth)
    const early = await heapNow()
    log?.(`after ${tenth}: ${early.toFixed(1)} MB`)
    for (let part = 1; part < 10; part++) {
      await run(tenth * part, tenth * (part + 1))
      if (log !== undefined) log(`after ${tenth * (part + 1)}: ${(await heapNow()).toFixed(1)} MB`)
    }
    const perSecond = Math.round(operations / ((performance.now() - begun) / 1_000))
    const late = await heapNow()
    return {
      early,
      late,
      ratio: late / early,
      perSecond,
      sent: house.provider.sent(),
      received,
      ...(await counted(house)),
    }
  } finally {
    await house.stop()
  }
}

type Worker = (n: number) => Promise<void>

function worker(house: QuickHouse, companies: readonly string[], onReceived: () => void): Worker {
  const last = new Map<string, { readonly phone: string; readonly id: string }>()
  return async (n) => {
    const company = companies[n % companies.length] ?? ""
    const round = Math.floor(n / companies.length)
    const phone = `7900${1_000_000 + ((round >> 1) % CONTACTS)}`
    if (round % 2 === 0) {
      const { messageId } = await house.post("/send", { companyId: company, phone, message: `Parcel ${n}` })
      last.set(company, { phone, id: String(messageId) })
      return
    }
    const sent = last.get(company)
    const { message, receipt } = house.provider.intake(company)
    if (sent === undefined || round % 4 === 1) {
      onReceived()
      return message(inbound(phone, n))
    }
    const chat = { kind: "person", phone: sent.phone, lid: null } as const
    await receipt({ chat, wireIds: [sent.id], status: "delivered", at: Date.now() })
  }
}

function inbound(phone: string, n: number): InboundMessage {
  const person = { phone, lid: null }
  return {
    chat: { kind: "person", ...person },
    sender: person,
    fromMe: false,
    wireId: `WIRE${n}`,
    at: Date.now(),
    pushName: null,
    content: { type: "text", text: `Thanks for parcel ${n}` },
    wire: new Uint8Array(),
    offline: false,
  }
}

async function counted(house: QuickHouse): Promise<Pick<HeapVerdict, "countedSent" | "countedReceived">> {
  const text = await house.get("/metrics")
  const sum = (name: string): number =>
    [...text.matchAll(new RegExp(`^${name}\\{.*\\} (\\d+)$`, "gm"))].reduce((all, [, value]) => all + Number(value), 0)
  return {
    countedSent: sum("whatsapp_messages_sent_total"),
    countedReceived: sum("whatsapp_messages_received_total"),
  }
}

/** What finalizers let go of is only freed by the next collection. */
async function heapNow(): Promise<number> {
  setFlagsFromString("--expose-gc")
  const collect = runInNewContext("gc") as () => void
  for (let turn = 0; turn < 4; turn++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return process.memoryUsage().heapUsed / MB
}
