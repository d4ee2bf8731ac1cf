import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import { describe, expect, it } from "vitest"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { temporaryFolder } from "../support/folder.ts"

const script = fileURLToPath(new URL("../support/commit-loop.ts", import.meta.url))
const writers = ["w1", "w2", "w3"]

interface Outcome {
  lost: number
  torn: number
  unanswered: number
}

const turnOf = (value: Uint8Array | undefined): number =>
  value === undefined ? 0 : Number.parseInt(new TextDecoder().decode(value), 10)

/** Starts the loop, kills it at a random moment, and compares what it said with what is there. */
async function killOnce(mode: string): Promise<Outcome> {
  const folder = await temporaryFolder()
  const child: ChildProcess = spawn(process.execPath, ["--import", "tsx", script, folder.path, mode], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let said = ""
  const started = new Promise<void>((resolve) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      said += text
      if (said.length > 500) resolve()
    })
  })
  await started
  // A commit takes about a millisecond; the moment falls anywhere in some dozens of them.
  await new Promise((resolve) => setTimeout(resolve, Math.random() * 40))
  child.kill("SIGKILL")
  await once(child, "close")
  const begun = new Map<string, number>()
  const acknowledged = new Map<string, number>()
  for (const line of said.split("\n").slice(0, -1)) {
    const [word, engine, writer, turn] = line.split(" ")
    const turns = word === "ack" ? acknowledged : begun
    turns.set(`${engine} ${writer}`, Number(turn))
  }
  const outcome: Outcome = { lost: 0, torn: 0, unanswered: 0 }
  const judge = (key: string, turns: readonly number[]): void => {
    const [turn = 0] = turns
    if (turns.some((other) => other !== turn)) outcome.torn++
    if (turn < (acknowledged.get(key) ?? 0)) outcome.lost++
    if ((begun.get(key) ?? 0) > (mode === "early" ? turn : (acknowledged.get(key) ?? 0))) outcome.unanswered++
  }

  const store = await openFilesystem({ path: `${folder.path}/auth` })
  for (const writer of writers) {
    const values = await store.driver.load("acme", [`session/${writer}-a`, `session/${writer}-b`, `creds/${writer}`])
    judge(`filesystem ${writer}`, values.map(turnOf))
  }
  await store.close()
  const ledger = await openLmdb({ folder: folder.path })
  const numbers = await ledger.numbers("acme", "n")
  const due = await ledger.due("m", Number.MAX_SAFE_INTEGER, 9)
  for (const writer of writers) {
    const [row] = await ledger.get("acme", "m", [writer])
    const log = await ledger.log("acme", writer, 0, 1_000_000)
    const dueAt = due.find(({ key }) => key === writer)?.due ?? 0
    judge(`lmdb ${writer}`, [
      turnOf(row?.value),
      numbers[writer] ?? 0,
      log.length,
      turnOf(log.at(-1)?.value),
      dueAt,
      row?.version ?? 0,
    ])
  }
  await ledger.close()
  await folder.remove()
  return outcome
}

async function kill(times: number, mode: string): Promise<Outcome> {
  const total: Outcome = { lost: 0, torn: 0, unanswered: 0 }
  for (let turn = 0; turn < times; turn++) {
    const outcome = await killOnce(mode)
    for (const key of ["lost", "torn", "unanswered"] as const) total[key] += outcome[key]
  }
  return total
}

describe("kill -9 in the middle of commits", () => {
  it("loses nothing that was acknowledged and tears nothing, on either engine", { timeout: 120_000 }, async () => {
    const outcome = await kill(8, "durable")
    expect(outcome).toMatchObject({ lost: 0, torn: 0 })
    // Six writers in each of eight runs: most of them had something under way, else the kills have shown nothing.
    expect(outcome.unanswered).toBeGreaterThan(24)
  })

  it("does lose what was acknowledged before it was written", { timeout: 120_000 }, async () => {
    expect((await kill(4, "early")).lost).toBeGreaterThan(0)
  })
})
