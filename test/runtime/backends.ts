import { type Backing, envOf, holdingsOf } from "./backings.ts"
import { connected, linkedOnce, openStage, type Stage, type StageCompany } from "./stage.ts"
import { createTraffic, type Traffic } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface BackendOptions {
  readonly backings: readonly Backing[]
  /** Companies in each store. */
  readonly each: number
  readonly kills?: number
  readonly env?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

export interface BackendFigures {
  /** Records of each company in its store, after the last kill. */
  readonly records: Readonly<Record<string, number>>
  readonly verdict: Verdict
}

const CONTACT = "79001236001"
const BACK_MS = 30_000
const SETTLE_MS = 30_000

/**
 * Links companies in several stores of one process, kills it, and lets each of them send and receive again. Rejects when a
 * company has records in a store that is not its own, or had to be linked again.
 */
export async function runBackends(options: BackendOptions): Promise<BackendFigures> {
  const { backings, each, kills = 1, env = {}, log = () => undefined } = options
  const stage = await openStage({ env: { ...envOf(backings), ...env }, compiled: true })
  try {
    const storeOf = new Map<string, string>()
    for (let i = 0; i < backings.length * each; i++) {
      const storage = backings[i % backings.length]?.name ?? ""
      storeOf.set(`company-${i + 1}`, storage)
      const { status } = await stage.platform.call("PUT", `/api/whatsapp/companies/company-${i + 1}`, { storage })
      if (status !== 201) throw new Error(`a company in ${storage} is answered ${status}`)
    }
    await stage.link(backings.length * each)
    const contact = await stage.phone(CONTACT)
    const traffic = createTraffic(stage)
    await talk(stage, traffic, contact)
    for (let kill = 1; kill <= kills; kill++) {
      await stage.platform.kill()
      await stage.start()
      await Promise.all(stage.companies.map((company) => connected(stage.platform, company, BACK_MS)))
      await talk(stage, traffic, contact)
      log(`kill ${kill}: all ${stage.companies.length} back after ${stage.platform.startedInMs.toFixed(0)} ms and more`)
    }
    const verdict = await judge(stage, traffic, [contact], SETTLE_MS)
    await linkedOnce(stage)
    await stage.platform.kill()
    return { records: await placed(stage, backings, storeOf), verdict }
  } finally {
    await stage.close()
  }
}

/** Each company writes to the contact, and the contact to each. */
async function talk(stage: Stage, traffic: Traffic, contact: Parameters<Traffic["write"]>[0]): Promise<void> {
  const both = async (company: StageCompany): Promise<void> => {
    const { status, code } = await traffic.send(company, contact)
    if (status !== 200) throw new Error(`${company.id}: a send is answered ${status} ${code ?? ""}`)
    await traffic.write(contact, company)
  }
  await Promise.all(stage.companies.map(both))
}

/** How many records each company has; throws when any of them are in another store than its own. */
async function placed(
  { folder, companies }: Stage,
  backings: readonly Backing[],
  storeOf: ReadonlyMap<string, string>,
): Promise<Record<string, number>> {
  const records: Record<string, number> = {}
  for (const { id } of companies) {
    for (const backing of backings) {
      const held = await holdingsOf(backing, folder, id)
      const own = storeOf.get(id) === backing.name
      if (own !== held.length > 0) throw new Error(`${id} has ${held.length} records in ${backing.name}`)
      if (own) records[`${id} in ${backing.name}`] = held.length
    }
  }
  return records
}
