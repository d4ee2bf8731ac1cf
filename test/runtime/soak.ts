import process from "node:process"
import { type Backing, filesBacking } from "./backings.ts"
import { runBackends } from "./backends.ts"
import { closeRows, runCloses, runRefusedUpgrades, wrongCloses } from "./closes.ts"
import { type Costs, costTable, type Counted, runCosts, timedBy } from "./costs.ts"
import { runCounters } from "./counters.ts"
import { runCuts } from "./cuts.ts"
import { runFullLedger } from "./full-ledger.ts"
import { runHeap } from "./heap.ts"
import { runKills } from "./kills.ts"
import { killAfterMove, runMoveKills } from "./move-kills.ts"
import { runMoves } from "./moves.ts"
import { type OutageOptions, runOutage } from "./outage.ts"
import { runPausedHolder } from "./paused-holder.ts"
import { runRace } from "./race.ts"
import { runReconnects } from "./reconnects.ts"
import { countedRedis, redisBacking } from "./redis-backing.ts"
import { runRestart } from "./restart.ts"
import { s3Backing } from "./s3-backing.ts"
import { runScrape } from "./scrape.ts"
import { runSigterm } from "./sigterm.ts"
import { slowClientsOnOurs, slowClientsOnPlain } from "./slow-clients.ts"
import { openStage, type Stage } from "./stage.ts"
import { runTwoServers } from "./two-servers.ts"
import { sharedKinds } from "../support/shared-stores.ts"
import { figures, type Verdict } from "./verdict.ts"

/** `npm run soak [-- name …]`: the long forms of the proofs, with their figures. Ends with 1 when one of them failed. */

const log = (line: string): void => console.log(`  ${line}`)

async function withLines<T>(count: number, work: (stage: Stage) => Promise<T>): Promise<T> {
  const stage = await openStage({ compiled: true })
  try {
    await stage.link(count)
    return await work(stage)
  } finally {
    await stage.close()
  }
}

/** Files, Redis and S3, each with a server of its own where it needs one. */
async function withRing<T>(work: (ring: readonly Backing[]) => Promise<T>): Promise<T> {
  const ring = [filesBacking(), await redisBacking(), await s3Backing()]
  try {
    return await work(ring)
  } finally {
    for (const { close } of ring) await close()
  }
}

async function outage(what: string, options: Omit<OutageOptions, "ms" | "log">): Promise<string[]> {
  log(`${what} for 30 s`)
  try {
    const { verdict, ...rest } = await runOutage({ ...options, ms: 30_000, log })
    log(figures(rest))
    const taken = Object.keys(rest.answers).every((answer) => answer === "200" || answer === "202")
    return [
      ...sound(verdict),
      ...(taken ? [] : ["a send was refused"]),
      ...(rest.othersNot200 === 0 ? [] : ["a company elsewhere has noticed"]),
    ]
  } finally {
    await options.backing.close()
  }
}

/** Nothing promised is lost or renamed, nothing received is lost or doubled. */
function sound(verdict: Verdict): string[] {
  log(figures(verdict))
  const { lost, renamed, inboundLost, inboundDoubled } = verdict
  return Object.entries({ lost, renamed, inboundLost, inboundDoubled })
    .filter(([, texts]) => texts.length > 0)
    .map(([name, texts]) => `${name}: ${texts.slice(0, 5).join("; ")}`)
}

/** Each gives a sentence for everything that was not as it should be. */
const runs: Record<string, () => Promise<string[]>> = {
  async kills() {
    const { verdict, ...rest } = await runKills({ kills: 200, log })
    log(figures(rest))
    return sound(verdict)
  },
  async deno() {
    const { verdict, ...rest } = await runKills({ kills: 50, runtime: "deno", log })
    log(figures(rest))
    return sound(verdict)
  },
  async unsafe() {
    const { verdict } = await runKills({ kills: 20, config: "test/runtime/unsafe.config.ts", settleMs: 10_000, log })
    log(figures(verdict))
    const { lost, inboundLost } = verdict
    return lost.length + inboundLost.length > 0 ? [] : ["a server that answers before it writes lost nothing"]
  },
  async cuts() {
    const { verdict, ...rest } = await runCuts({ cuts: 5, rate: 50, calmMs: 5_000, log })
    log(figures(rest))
    return sound(verdict)
  },
  async hasty() {
    const env = { WHATSAPP_CONFIG: "test/runtime/hasty.config.ts" }
    const { verdict } = await runCuts({ cuts: 5, rate: 50, calmMs: 5_000, env, settleMs: 10_000, log })
    log(figures(verdict))
    return verdict.lost.length > 0 ? [] : ["a server that answers when it has written to the socket lost nothing"]
  },
  storms: () =>
    withLines(20, async (stage) => {
      const rows = closeRows(45_000)
      const found = await runCloses(stage, rows, 45_000)
      for (const { row, session, logins } of found) log(`${row.reason}: ${session.status}, ${logins} logins in 45 s`)
      const chosen = stage.companies.slice(rows.length)
      const back = await runRefusedUpgrades(stage, chosen, 60_000)
      log(`HTTP 503 for 60 s: back after ${back.map((ms) => Math.round(ms)).join(", ")} ms`)
      return [...wrongCloses(found), ...(Math.max(...back) < 30_000 ? [] : ["not back within 30 s of the return"])]
    }),
  restart: () =>
    withLines(10, async (stage) => {
      const worst: number[] = []
      for (let round = 0; round < 5; round++) {
        const { p50, max } = await runRestart(stage)
        log(`10 lines back: p50 ${p50} ms, max ${max} ms after the start of the process`)
        worst.push(max)
      }
      return Math.max(...worst) < 3_000 ? [] : ["a line took longer than 3 s"]
    }),
  sigterm: () =>
    withLines(20, async (stage) => {
      const { verdict, ...rest } = await runSigterm(stage, { each: 4, loadMs: 5_000 })
      log(figures(rest))
      const faults = sound(verdict)
      if (rest.exitCode !== 0) faults.push(`exit code ${rest.exitCode}`)
      if (rest.tookMs >= 10_000) faults.push("longer than 10 s")
      return faults
    }),
  async race() {
    const quiet = await runRace({ messages: 100 })
    const faults = sound(quiet)
    if (quiet.undecryptable + quiet.retriesAsked > 0) faults.push("a message could not be read at once")
    for (const store of ["auth", "ledger"] as const) {
      log(`the ${store} store fails for 10 s`)
      faults.push(...sound(await runRace({ messages: 200, apartMs: 90, outage: { store, ms: 10_000 } })))
    }
    return faults
  },
  async paused() {
    const faults: string[] = []
    for (const kind of Object.keys(sharedKinds)) {
      log(`on ${kind}`)
      const { stale, refused } = await runPausedHolder({ kind, rounds: 20, log })
      if (stale > 0 || refused < 20)
        faults.push(`${kind}: ${stale} stale writes landed, ${refused} holders of 20 were told`)
      const unsafe = await runPausedHolder({ kind, rounds: 3, fencing: false, log })
      if (unsafe.stale === 0) faults.push(`${kind}: without fences no stale write landed`)
    }
    return faults
  },
  backends: async () => {
    const faults: string[] = []
    for (const env of [
      {},
      { WHATSAPP_ENCRYPTION_KEY: "a passphrase for tests only", WHATSAPP_ENCRYPT_MESSAGES: "true" },
    ]) {
      log(Object.keys(env).join(", ") || "in the open")
      const { records, verdict } = await withRing((backings) => runBackends({ backings, each: 3, kills: 5, env, log }))
      log(figures(records))
      faults.push(...sound(verdict))
    }
    return faults
  },
  moves: () =>
    withRing(async (ring) => {
      const { verdict, outOfOrder, ...rest } = await runMoves({ ring, moves: 12, log })
      log(figures(rest))
      return [...sound(verdict), ...outOfOrder.map((text) => `out of order: ${text}`)]
    }),
  "move-kills": () =>
    withRing(async (ring) => {
      const { verdict, outOfOrder, ...rest } = await runMoveKills({ ring, kills: 50, log })
      log(figures(rest))
      return [...sound(verdict), ...outOfOrder.map((text) => `out of order: ${text}`)]
    }),
  "early-store": async () => {
    const early = "test/runtime/early-store.config.ts"
    const { held, connected } = await killAfterMove(filesBacking(), filesBacking("archive"), early)
    log(`${held} records, ${connected ? "connected" : "gone"}`)
    return connected ? ["a store that calls a copy durable before it is lost nothing"] : []
  },
  outage: async () => {
    const stopped = await redisBacking()
    const faults = await outage("Redis is stopped", {
      backing: stopped,
      away: () => stopped.server.stop(),
      back: stopped.server.start,
    })
    const frozen = await redisBacking()
    const { freeze, thaw } = frozen.server
    faults.push(...(await outage("Redis answers nothing", { backing: frozen, away: freeze, back: thaw })))
    const s3 = await s3Backing()
    const { refuse, admit } = s3.front
    return [...faults, ...(await outage("S3 answers 503", { backing: s3, away: refuse, back: admit }))]
  },
  costs: async () => {
    const s3 = await s3Backing()
    const counts = (): number => {
      const { requests } = s3.front.counts()
      s3.front.reset()
      return requests
    }
    const uncounted = { requests: () => 0 }
    const measure = async (backing: Counted): Promise<Costs> => {
      try {
        return await runCosts({ backing, row: 100, alone: 10, log })
      } finally {
        await backing.close()
      }
    }
    const all = [
      await measure({ ...filesBacking(), ...uncounted }),
      timedBy(await measure(await countedRedis()), await measure({ ...(await redisBacking()), ...uncounted })),
      await measure({ ...s3, requests: counts }),
    ]
    console.log(costTable(all))
    return []
  },
  "full-ledger": async () => {
    const { verdict, ...rest } = await runFullLedger(200)
    log(figures(rest))
    return [...sound(verdict), ...(rest.median < 100 ? [] : ["the median of a refusal is 100 ms or more"])]
  },
  "two-servers": async () => {
    const faults: string[] = []
    for (const open of [redisBacking, s3Backing]) {
      const backing = await open({ leaseMs: 4_000 })
      log(backing.name)
      try {
        const { lost, ...rest } = await runTwoServers({ backing, leaseMs: 4_000, pauses: 5, log })
        log(figures(rest))
        if (lost.length > 0) faults.push(`lost: ${lost.join("; ")}`)
        if (rest.loginsTooMany > 0) faults.push(`${rest.loginsTooMany} logins too many`)
        if (rest.devices !== 1) faults.push("linked again")
        if (rest.refusals.some((said) => said !== "409 SESSION_OWNED_ELSEWHERE")) faults.push(rest.refusals.join(", "))
      } finally {
        await backing.close()
      }
    }
    return faults
  },
  async "slow-clients"() {
    const options = { clients: 300, forMs: 40_000, limitMs: 35_000 }
    const { told, ...ours } = await slowClientsOnOurs({ ...options, impatient: false })
    log(figures(ours))
    log(`told ${JSON.stringify(told)}`)
    const { held } = await slowClientsOnPlain({ clients: 300, forMs: 8_000, limitMs: 6_000 })
    log(`a plain server held ${held} after 6 s`)
    return [
      ...(ours.held === 0 ? [] : [`${ours.held} were held`]),
      ...(ours.othersFailed === 0 ? [] : [`${ours.othersFailed} of ${ours.others} others were not served`]),
      ...(held === 300 ? [] : ["a plain server let go of some, so that this has shown nothing"]),
    ]
  },
  async counters() {
    const full = { operations: 10_000, kills: 20, cuts: 60, ordinary: 4, atOnce: 24, compiled: true, log }
    const { account, wentBack, ...rest } = await runCounters(full)
    log(figures(rest))
    log(figures(account))
    return [...account.differences, ...wentBack]
  },
  async "late-totals"() {
    const config = "test/runtime/late-totals.config.ts"
    const few = { operations: 400, kills: 4, cuts: 0, ordinary: 2, atOnce: 16, settleMs: 10_000 }
    const { account, wentBack } = await runCounters({ ...few, config, log })
    log(
      `${account.differences.length} differences, ${wentBack.length} numbers went back: ${wentBack.slice(0, 3).join("; ")}`,
    )
    return account.differences.length > 0 ? [] : ["totals of a commit of their own agree"]
  },
  async scrape() {
    const { wentBack, ...rest } = await runScrape({ companies: 1_000, cap: 100, turnover: 100, scrapes: 50, log })
    log(figures(rest))
    const { mostNames, held, counted, talked } = rest
    return [
      ...wentBack,
      ...(mostNames <= 101 ? [] : [`${mostNames} companies have series of their own`]),
      ...(counted === talked ? [] : [`${counted} messages are counted, of ${talked}`]),
      ...(held.scrape < 50 ? [] : [`a scrape holds up the event loop for ${held.scrape} ms`]),
    ]
  },
  async heap() {
    const { ratio, sent, countedSent, ...rest } = await runHeap({ operations: 1_000_000, companies: 1_000, log })
    log(figures({ ratio, sent, countedSent, ...rest }))
    return [
      ...(ratio <= 1.1 ? [] : ["the heap grows"]),
      ...(countedSent === sent ? [] : [`${sent} were sent and ${countedSent} counted`]),
    ]
  },
  async reconnects() {
    const { thirds, heapPerReconnect } = await runReconnects(240)
    for (const held of thirds) log(figures(held))
    log(`heap per reconnect ${Math.round(heapPerReconnect)} bytes`)
    return heapPerReconnect < 10_000 ? [] : ["the heap grows"]
  },
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !Object.hasOwn(runs, name))
if (unknown.length > 0) {
  console.error(`No such run: ${unknown.join(", ")}. There are: ${Object.keys(runs).join(", ")}`)
  process.exit(2)
}
let failed = 0
for (const [name, run] of Object.entries(runs)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  console.log(name)
  const begun = performance.now()
  const faults = await run().catch((fault: unknown) => [fault instanceof Error ? fault.message : String(fault)])
  for (const fault of faults) log(`FAILED: ${fault}`)
  if (faults.length > 0) failed++
  log(`${faults.length === 0 ? "ok" : "not ok"}, ${((performance.now() - begun) / 1000).toFixed(0)} s`)
}
process.exit(failed === 0 ? 0 : 1)
