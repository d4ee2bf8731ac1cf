import { describe, expect, it } from "vitest"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { openCompanyStore } from "../../core/storage.ts"
import type { AuthStore, OpenStore } from "../../core/store.ts"
import { leaseOf, tools } from "../suites/auth-store/subject.ts"
import { createPowerCutDisk, type PowerCutDisk, type Random, seeded } from "../support/power-cut-disk.ts"

/** One writer's turns: each writes all of its records in one batch, so that they can only ever be of one turn. */
interface Writer {
  readonly company: string
  readonly name: string
  issued: number
  acknowledged: number
  /** Turns before this one were erased with the company. */
  erased: boolean
}

interface Verdict {
  lost: number
  torn: number
  damaged: number
  /** Turns that had been begun and not answered when the power went. */
  unanswered: number
}

const newWriters = (): Writer[] =>
  ["acme", "acme", "acme", "other", "restless"].map((company, at) => ({
    company,
    name: `w${at}`,
    issued: 0,
    acknowledged: 0,
    erased: false,
  }))

const bytes = (turn: number, size: number): Uint8Array => new TextEncoder().encode(`${turn} `.padEnd(size, "x"))
const turnOf = (value: Uint8Array | undefined): number =>
  value === undefined ? 0 : Number.parseInt(new TextDecoder().decode(value), 10)

/** Writes until the power goes. The restless company is erased now and then. */
async function work(store: OpenStore, writer: Writer, random: Random): Promise<never> {
  const company = openCompanyStore(store, leaseOf(writer.company, 1), tools)
  for (;;) {
    if (writer.company === "restless" && random() < 0.2) {
      writer.erased = true
      await company.clear()
      writer.acknowledged = 0
    }
    const turn = ++writer.issued
    const value = bytes(turn, 20 + Math.floor(random() * 1_500))
    const batch = {
      session: { [`${writer.name}-a`]: value, [`${writer.name}-b`]: value },
      "pre-key": { [`${writer.name}-c`]: value },
    }
    await company.save(random() < 0.3 ? { ...batch, creds: { [writer.name]: value } } : batch)
    writer.acknowledged = turn
    writer.erased = false
    if (random() < 0.1) await store.driver.evict(writer.company)
  }
}

async function judge(store: OpenStore, writers: readonly Writer[]): Promise<Verdict> {
  const verdict: Verdict = { lost: 0, torn: 0, damaged: 0, unanswered: 0 }
  for (const writer of writers) {
    const company: AuthStore = openCompanyStore(store, leaseOf(writer.company, 1), tools)
    if (writer.issued > writer.acknowledged) verdict.unanswered++
    try {
      const session = await company.load("session", [`${writer.name}-a`, `${writer.name}-b`])
      const preKey = await company.load("pre-key", [`${writer.name}-c`])
      const creds = await company.load("creds", [writer.name])
      const turns = [session[`${writer.name}-a`], session[`${writer.name}-b`], preKey[`${writer.name}-c`]].map(turnOf)
      const [turn = 0] = turns
      if (turns.some((other) => other !== turn) || turnOf(creds[writer.name]) > turn) verdict.torn++
      if (turn < writer.acknowledged && !writer.erased) verdict.lost++
      writer.issued = writer.acknowledged = turn
      writer.erased = false
    } catch {
      // What the store says instead of an answer is the verdict.
      verdict.damaged++
    }
  }
  return verdict
}

/** Three power cuts in a row on one disk. */
async function run(seed: number, durable: boolean): Promise<Verdict> {
  const random = seeded(seed)
  const writers = newWriters()
  const total: Verdict = { lost: 0, torn: 0, damaged: 0, unanswered: 0 }
  let power: PowerCutDisk = createPowerCutDisk(random)
  for (let cut = 0; cut < 3; cut++) {
    const store = await openFilesystem({ path: "/auth", disk: power.disk, durable, slack: 3_000, openFiles: 2 })
    power.cutAfter(20 + Math.floor(random() * 400))
    for (const writer of writers) void work(store, writer, random)
    await power.gone
    power = power.restart()
    const restarted = await openFilesystem({ path: "/auth", disk: power.disk, durable })
    const verdict = await judge(restarted, writers)
    await restarted.close()
    for (const key of ["lost", "torn", "damaged", "unanswered"] as const) total[key] += verdict[key]
    if (verdict.damaged > 0) break
  }
  return total
}

describe("a power cut that forgets whatever was not synced", () => {
  it("loses nothing that was acknowledged, tears nothing, and is never taken for damage", async () => {
    let unanswered = 0
    for (let seed = 1; seed <= 150; seed++) {
      const verdict = await run(seed, true)
      expect(verdict, `seed ${seed}`).toMatchObject({ lost: 0, torn: 0, damaged: 0 })
      unanswered += verdict.unanswered
    }
    expect(unanswered, "the cuts hit writes that were under way").toBeGreaterThan(450)
  })

  it("does lose what was acknowledged when the syncs are left out", async () => {
    let lost = 0
    for (let seed = 1; seed <= 20; seed++) {
      const verdict = await run(seed, false)
      lost += verdict.lost + verdict.damaged
    }
    expect(lost).toBeGreaterThan(10)
  })
})
