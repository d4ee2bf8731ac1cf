import type { SandboxPhone } from "../sandbox/index.ts"
import type { Platform } from "../support/platform.ts"
import { until } from "../support/platform.ts"
import { type Backing, envOf, filesBacking } from "./backings.ts"
import { type Times, timesOf } from "./moves.ts"
import { connected, dataOf, linkedOnce, openStage, session, type StageCompany, wait } from "./stage.ts"
import { createTraffic, pick, type Sent, type Traffic } from "./traffic.ts"
import { judge, type Verdict } from "./verdict.ts"

export interface OutageOptions {
  readonly backing: Backing
  /** Takes the store away, and gives it back. */
  away(): void | Promise<void>
  back(): void | Promise<void>
  readonly ms: number
  /** Texts a second of each company, and of the contacts to each. */
  readonly rate?: number
  readonly env?: Readonly<Record<string, string>>
  readonly log?: (line: string) => void
}

export interface OutageFigures {
  /** Answers to the sends of the store's companies that were asked for while it was away, by HTTP status. */
  readonly answers: Readonly<Record<string, number>>
  readonly slowestMs: number
  /** The companies in the other store, before and during the outage, ms. */
  readonly othersBefore: Times
  readonly othersDuring: Times
  /** Their sends during the outage that were answered otherwise than 200. */
  readonly othersNot200: number
  /** From the beginning of the outage until the health route named the store, and from its end until all was well, ms. */
  readonly toldMs: number
  readonly wellMs: number
  /** From the end of the outage until every line was connected, ms. */
  readonly backMs: number
  readonly states: readonly string[]
  readonly verdict: Verdict
}

const CONTACTS = ["79001237001", "79001237002"]
const CALM_MS = 3_000
const HEALED_MS = 90_000
const SETTLE_MS = 90_000

interface Health {
  readonly status: string
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string } | undefined>>
}

/**
 * Takes the store of two companies away under load, while two others are in plain files. Rejects when a line had to be
 * linked again, when the health route does not name the store, or when not everything is well again by itself.
 */
export async function runOutage(options: OutageOptions): Promise<OutageFigures> {
  const { backing, away, back, ms, rate = 10, env = {}, log = () => undefined } = options
  const backings = [backing, filesBacking()]
  const stage = await openStage({
    env: { ...envOf(backings), WHATSAPP_HEALTH_CHECK_INTERVAL: "500", ...env },
    compiled: true,
  })
  try {
    for (const [i, storage] of [backing.name, "filesystem", backing.name, "filesystem"].entries()) {
      await stage.platform.call("PUT", `/api/whatsapp/companies/company-${i + 1}`, { storage })
    }
    const companies = await stage.link(4)
    const touched = companies.filter((_, i) => i % 2 === 0)
    const others = companies.filter((_, i) => i % 2 === 1)
    const contacts = await Promise.all(CONTACTS.map((number) => stage.phone(number)))
    const traffic = createTraffic(stage)
    await until("every store to be well", HEALED_MS, async () => ((await isWell(stage.platform)) ? true : undefined))

    const load = startLoad(traffic, companies, contacts, rate)
    await wait(CALM_MS)
    const before = traffic.sent.length
    const gone = performance.now()
    await away()
    let told = Number.NaN
    const states = new Set<string>()
    while (performance.now() - gone < ms) {
      const health = await healthOf(stage.platform)
      if (
        Number.isNaN(told) &&
        health.status !== "healthy" &&
        health.checks["stores"]?.detail?.includes(backing.name)
      ) {
        told = performance.now() - gone
        log(`${health.status} after ${Math.round(told)} ms: ${health.checks["stores"].detail}`)
      }
      for (const company of touched) states.add((await session(stage.platform, company)).status)
      await wait(200)
    }
    const during = traffic.sent.slice(before)
    await back()
    const returned = performance.now()
    const healed = Promise.all(companies.map((company) => connected(stage.platform, company, HEALED_MS)))
    const backMs = healed.then(() => performance.now() - returned)
    await until("every store to be well again", HEALED_MS, async () =>
      (await isWell(stage.platform)) ? true : undefined,
    )
    const wellMs = performance.now() - returned
    const lines = await backMs
    await wait(CALM_MS)
    await load.stop()
    const verdict = await judge(stage, traffic, contacts, SETTLE_MS)
    await linkedOnce(stage)
    if (Number.isNaN(told)) throw new Error("the health route did not name the store that was away")

    const mine = during.filter(({ company }) => touched.includes(company))
    const answers: Record<string, number> = {}
    for (const { status, code } of mine) {
      const answer = [status, code ?? ""].join(" ").trim()
      answers[answer] = (answers[answer] ?? 0) + 1
    }
    const theirs = during.filter(({ company }) => others.includes(company))
    return {
      answers,
      slowestMs: Math.round(Math.max(0, ...mine.map((one) => one.ms))),
      othersBefore: timesOf(traffic.sent.slice(0, before), ...others),
      othersDuring: timesOf(theirs, ...others),
      othersNot200: theirs.filter(({ status }) => status !== 200).length,
      toldMs: Math.round(told),
      wellMs: Math.round(wellMs),
      backMs: Math.round(lines),
      states: [...states],
      verdict,
    }
  } finally {
    await stage.close()
  }
}

async function healthOf(platform: Platform): Promise<Health> {
  return dataOf<Health>(await platform.call("GET", "/api/whatsapp/health"))
}

async function isWell(platform: Platform): Promise<boolean> {
  const { status, checks } = await healthOf(platform)
  return status === "healthy" && checks["stores"]?.ok === true
}

/** Texts at a steady rate both ways, whatever becomes of those before. */
function startLoad(
  traffic: Traffic,
  companies: readonly StageCompany[],
  contacts: readonly SandboxPhone[],
  rate: number,
): { stop(): Promise<void> } {
  const flying: Promise<Sent>[] = []
  const writing: Promise<unknown>[] = []
  let turn = 0
  const timer = setInterval(() => {
    turn++
    for (const company of companies) {
      const contact = pick(contacts, turn)
      flying.push(traffic.send(company, contact))
      writing.push(traffic.write(contact, company))
    }
  }, 1_000 / rate)
  return {
    async stop() {
      clearInterval(timer)
      await Promise.all([...flying, ...writing])
    },
  }
}
