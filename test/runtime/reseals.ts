import { join } from "node:path"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { isSealed, keyIdOf } from "../../core/records/sealer.ts"
import { until } from "../support/platform.ts"
import { connected, dataOf, linkedOnce, openStage, type Stage, wait } from "./stage.ts"
import { createTraffic, pick, startNoise } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface ResealOptions {
  readonly kills: number
  readonly log?: (line: string) => void
}

export interface ResealFigures {
  /** Kills that came while sealing anew was under way. */
  readonly hits: number
  /** Records that the last rounds wrote anew: of what was plain, and of what was under the former key. */
  readonly resealed: readonly number[]
  readonly verdict: Verdict
  /** By what they are sealed under: ids of keys, or `plain`. */
  readonly records: Readonly<Record<string, number>>
}

const CONTACTS = ["79001236001", "79001236002"]
const FIRST = { WHATSAPP_ENCRYPTION_KEY: "11".repeat(32), WHATSAPP_ENCRYPT_MESSAGES: "true" }
const SECOND = { ...FIRST, WHATSAPP_ENCRYPTION_KEY: "22".repeat(32) }
const ROUTE = "/api/whatsapp/encryption/reseal"
const BACK_MS = 20_000
const DONE_MS = 60_000
/** What lies plain when encryption is switched on, per company. */
const BEFORE = 300

interface Progress {
  readonly state: string
  readonly records: number
  readonly failures: readonly object[]
}

/**
 * Two lines that have been plain get encryption, a first key and then a second, while they send and receive; sealing anew is
 * killed again and again. Rejects when a line had to be linked again.
 */
export async function runReseals({ kills, log = () => undefined }: ResealOptions): Promise<ResealFigures> {
  const stage = await openStage()
  try {
    await stage.link(2)
    const contacts = await Promise.all(CONTACTS.map((number) => stage.phone(number)))
    const traffic = createTraffic(stage)
    for (let i = 0; i < BEFORE; i += 10) {
      const some = Array.from({ length: 10 }, (_, at) => at)
      await Promise.all(
        some.map((at) => traffic.send(pick(stage.companies, at), pick(contacts, at >> 1), { async: true })),
      )
    }
    const restart = async (env: Readonly<Record<string, string>>): Promise<void> => {
      await stage.platform.kill()
      await stage.start(env)
      await Promise.all(stage.companies.map((company) => connected(stage.platform, company, BACK_MS)))
    }

    await restart(FIRST)
    let hits = 0
    for (let kill = 1; kill <= kills; kill++) {
      const noise = startNoise(stage, traffic, contacts)
      await wait(200)
      await begin(stage)
      await wait(Math.random() * 150)
      const under = (await progress(stage)).state === "running"
      if (under) hits++
      await Promise.all([restart(FIRST), noise.stop()])
      log(`kill ${kill} of ${kills}: ${under ? "hit" : "had ended before"}`)
    }
    const noise = startNoise(stage, traffic, contacts)
    const first = await finish(stage)
    await noise.stop()

    await restart({ ...SECOND, WHATSAPP_ENCRYPTION_KEYS_OLD: FIRST.WHATSAPP_ENCRYPTION_KEY })
    const more = startNoise(stage, traffic, contacts)
    const second = await finish(stage)
    await more.stop()
    await restart(SECOND)
    const verdict = await judge(stage, traffic, contacts, DONE_MS)
    await linkedOnce(stage)
    await stage.platform.stop()
    return { hits, resealed: [first, second], verdict, records: await records(stage.folder) }
  } finally {
    await stage.close()
  }
}

async function begin(stage: Stage): Promise<void> {
  const { status, body } = await stage.platform.call("POST", ROUTE)
  if (status !== 202) throw new Error(`sealing anew was answered ${status}: ${JSON.stringify(body)}`)
}

const progress = async (stage: Stage): Promise<Progress> => dataOf<Progress>(await stage.platform.call("GET", ROUTE))

/** Resolves with how many records were written anew. */
async function finish(stage: Stage): Promise<number> {
  await begin(stage)
  const end = await until("everything is sealed anew", DONE_MS, async () => {
    const at = await progress(stage)
    return at.state === "running" ? undefined : at
  })
  if (end.state !== "done") throw new Error(`sealing anew: ${JSON.stringify(end)}`)
  return end.records
}

/** Every stored record of a data folder whose server has ended, by what it is sealed under. */
async function records(folder: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {}
  const count = (record: Uint8Array): void => {
    const under = isSealed(record) ? Buffer.from(keyIdOf(record)).toString("hex") : "plain"
    counts[under] = (counts[under] ?? 0) + 1
  }
  const { driver, close } = await openFilesystem({ path: join(folder, "auth") })
  for (const company of await driver.companies()) {
    const keys = (await driver.keys(company)).filter((key) => key !== "creds/==vault")
    for (const record of await driver.load(company, keys)) if (record !== undefined) count(record)
  }
  await close()
  const ledger = await openLmdb({ folder })
  for (const company of await ledger.companies()) {
    for (let after: string | undefined; ; ) {
      const page = await ledger.dump(company, after, 500)
      for (const record of page.records) if (record.kind !== "number" && record.table !== "vault") count(record.value)
      if (page.next === null) break
      after = page.next
    }
  }
  await ledger.close()
  return counts
}
