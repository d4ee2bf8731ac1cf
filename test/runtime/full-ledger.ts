import { join } from "node:path"
import { temporaryFolder } from "../support/folder.ts"
import { until } from "../support/platform.ts"
import { smallDisk } from "../support/room.ts"
import { linkedOnce, openStage } from "./stage.ts"
import { createTraffic, type Sent } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface FullLedgerFigures {
  /** Answers while the disk was full, by HTTP status and code. */
  readonly answers: Readonly<Record<string, number>>
  /** Of those that were refused, ms. */
  readonly median: number
  readonly slowest: number
  /** From the return of room until a send was answered 200, ms. */
  readonly healedMs: number
  readonly verdict: Verdict
}

const CONTACT = "79001239001"
const DISK = 48 << 20
/** Long enough to use up the free pages inside the ledger's file soon. */
const LONG = "x".repeat(20_000)
const MOST = 2_000
const HEALED_MS = 60_000
const SETTLE_MS = 60_000

/** Fills the disk that the ledger is on while a company sends and receives; its auth state is on another disk. */
export async function runFullLedger(refusals: number): Promise<FullLedgerFigures> {
  const elsewhere = await temporaryFolder()
  const disk = await smallDisk(DISK, () => stage?.platform.pid ?? process.pid)
  const stores = { elsewhere: { adapter: "filesystem", path: elsewhere.path } }
  const env = { WHATSAPP_STORES: JSON.stringify(stores), WHATSAPP_STORAGE: "elsewhere" }
  let stage: Awaited<ReturnType<typeof openStage>> | undefined
  try {
    stage = await openStage({ env, folder: disk.path, compiled: true })
    const [company] = await stage.link(1)
    if (company === undefined) throw new Error("no company")
    const contact = await stage.phone(CONTACT)
    const traffic = createTraffic(stage)
    for (let i = 0; i < 5; i++) await traffic.send(company, contact)

    await disk.fill(join(disk.path, "ledger/data.mdb"))
    const refused: Sent[] = []
    for (let i = 0; refused.length < refusals && i < MOST; i++) {
      const one = await traffic.send(company, contact, { text: `${i} ${LONG}` })
      if (one.status >= 300) refused.push(one)
      // WhatsApp keeps what the line does not take.
      if (i % 10 === 0) await traffic.write(contact, company)
    }
    if (refused.length < refusals) throw new Error(`the ledger's disk was not full after ${MOST} sends`)
    const begun = traffic.sent.indexOf(refused[0] as Sent)
    const answers: Record<string, number> = {}
    for (const { status, code } of traffic.sent.slice(begun)) {
      const answer = `${status} ${code ?? ""}`.trim()
      answers[answer] = (answers[answer] ?? 0) + 1
    }
    await disk.free()
    const freed = performance.now()
    await until("a send that is answered 200", HEALED_MS, async () =>
      (await traffic.send(company, contact)).status === 200 ? true : undefined,
    )
    const healedMs = Math.round(performance.now() - freed)
    const verdict = await judge(stage, traffic, [contact], SETTLE_MS)
    await linkedOnce(stage)
    const times = refused.map(({ ms }) => ms).sort((a, b) => a - b)
    const rounded = (ms: number | undefined): number => Math.round((ms ?? 0) * 10) / 10
    return {
      answers,
      median: rounded(times[Math.floor(times.length / 2)]),
      slowest: rounded(times.at(-1)),
      healedMs,
      verdict,
    }
  } finally {
    await stage?.close()
    await disk.remove()
    await elsewhere.remove()
  }
}
