import { rm, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { connected, openStage, type Stage, wait } from "./stage.ts"
import { AUTH_FAILS, LEDGER_FAILS } from "./slow-store.ts"
import { createTraffic, type Sent } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface RaceOptions {
  /** Messages each way. */
  readonly messages: number
  /** A store that fails in the middle of it, and for how long. */
  readonly outage?: { readonly store: "auth" | "ledger"; readonly ms: number }
  /** Time between two messages of one side, ms. */
  readonly apartMs?: number
}

const CONTACT = "79001232001"
const SETTLE_MS = 60_000
const BACK_MS = 60_000

/**
 * A contact and a company write to each other at the same time while the auth store takes up to 15 ms for each call: the load of a bot that answers at once while its user goes on typing. Sends that meet the outage may be
 * refused; what was promised must arrive.
 */
export async function runRace({ messages, outage, apartMs = 20 }: RaceOptions): Promise<Verdict> {
  const stage = await openStage({ env: { WHATSAPP_CONFIG: "test/runtime/slow-store.config.ts" } })
  try {
    const [company] = await stage.link(1)
    if (company === undefined) throw new Error("no company")
    const contact = await stage.phone(CONTACT)
    const traffic = createTraffic(stage)
    await traffic.send(company, contact)

    const sends: Promise<Sent>[] = []
    const outbound = async (): Promise<void> => {
      for (let i = 0; i < messages; i++) {
        sends.push(traffic.send(company, contact))
        await wait(apartMs)
      }
    }
    const inbound = async (): Promise<void> => {
      for (let i = 0; i < messages; i++) {
        await traffic.write(contact, company)
        await wait(apartMs)
      }
    }
    const failing = async (): Promise<void> => {
      if (outage === undefined) return
      await wait((messages * apartMs) / 4)
      await during(stage, outage.store, outage.ms)
    }
    await Promise.all([outbound(), inbound(), failing()])
    await Promise.all(sends)
    await connected(stage.platform, company, BACK_MS)
    return await judge(stage, traffic, [contact], SETTLE_MS)
  } finally {
    await stage.close()
  }
}

async function during(stage: Stage, store: "auth" | "ledger", ms: number): Promise<void> {
  const file = join(stage.folder, store === "auth" ? AUTH_FAILS : LEDGER_FAILS)
  await writeFile(file, "")
  await wait(ms)
  await rm(file)
}
