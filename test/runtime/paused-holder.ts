import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"
import type { HolderInput } from "../support/claim-holder.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type SharedKind, sharedKinds, type SharedServer } from "../support/shared-stores.ts"

export interface PausedHolderOptions {
  /** Of `sharedKinds`. */
  readonly kind: string
  readonly rounds: number
  /** False: writes are not refused for their fence, to see what fences are for. */
  readonly fencing?: boolean
  readonly leaseMs?: number
  readonly log?: (line: string) => void
}

export interface PausedHolderOutcome {
  readonly rounds: number
  /** Rounds in which a write of the holder that was stopped landed after another had taken over. */
  readonly stale: number
  /** Rounds in which the holder was told that it may write no more. */
  readonly refused: number
  /** From the stop of the holder to the claim of the other, ms. */
  readonly takeoverMs: readonly number[]
}

const script = fileURLToPath(new URL("../support/claim-holder.ts", import.meta.url))
const PATIENCE_MS = 30_000
/** Writes before it is stopped, and after it goes on with nothing that holds it back. */
const FEW = 5

/**
 * A process writes under its claim, is stopped (SIGSTOP) for longer than its lease, another process takes over and
 * writes, and the first goes on (SIGCONT) in the middle of what it was doing.
 */
export async function runPausedHolder(options: PausedHolderOptions): Promise<PausedHolderOutcome> {
  const { rounds, log = () => undefined } = options
  const kind = sharedKinds[options.kind]
  if (kind === undefined) throw new Error(`No such kind: ${options.kind}`)
  const server = await kind.start()
  const takeoverMs: number[] = []
  let stale = 0
  let refused = 0
  try {
    for (let round = 1; round <= rounds; round++) {
      const outcome = await runRound(kind, server, options, `acme-${round}`)
      takeoverMs.push(outcome.takeoverMs)
      if (outcome.stale > 0) stale++
      if (outcome.refused) refused++
      log(`round ${round}: taken over after ${outcome.takeoverMs} ms, ${outcome.stale} stale writes`)
    }
  } finally {
    await server.stop()
  }
  return { rounds, stale, refused, takeoverMs }
}

async function runRound(
  kind: SharedKind,
  { at }: SharedServer,
  { kind: name, fencing = true, leaseMs = 900 }: PausedHolderOptions,
  company: string,
): Promise<{ stale: number; refused: boolean; takeoverMs: number }> {
  const folders = await Promise.all([temporaryFolder(), temporaryFolder(), temporaryFolder()])
  const [first, second, third] = folders.map(({ path }) => path) as [string, string, string]
  const input: HolderInput = { kind: name, at, company, instance: "a", leaseMs, folder: first, fencing }
  const holder = startHolder(input)
  const other = await kind.open(at, { instance: "b", leaseMs: PATIENCE_MS * 4, folder: second, fencing })
  try {
    await holder.said(() => holder.wrote() >= FEW)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 20))
    holder.child.kill("SIGSTOP")
    const stopped = performance.now()
    const claim = await eventually(async () => other.claims?.claim(company))
    const takeoverMs = Math.round(performance.now() - stopped)
    const before = new Set(await other.driver.keys(company))
    const mine = ["log/b-1", "log/b-2"].map((key) => ({ key, value: Uint8Array.of(1) }))
    await other.driver.commit(company, mine.slice(0, 1), claim.fence)

    const wrote = holder.wrote()
    holder.child.kill("SIGCONT")
    await holder.said(() => holder.refusal() !== undefined || (!fencing && holder.wrote() >= wrote + FEW))
    await holder.kill()
    await other.driver.commit(company, mine.slice(1), claim.fence)
    await other.flush(company)
    await claim.release()

    // Somebody who has nothing of it yet sees what is really there.
    const reader = await kind.open(at, { instance: "c", leaseMs, folder: third, fencing })
    const after = await reader.driver.keys(company)
    await reader.close()
    if (!mine.every(({ key }) => after.includes(key))) throw new Error("What the new holder wrote is not there")
    const stale = after.filter((key) => key.startsWith("log/a-") && !before.has(key)).length
    return { stale, refused: holder.refusal() === "FENCED", takeoverMs }
  } finally {
    await holder.kill()
    await other.close()
    for (const folder of folders) await folder.remove()
  }
}

interface Holder {
  readonly child: ChildProcess
  wrote(): number
  refusal(): string | undefined
  /** Resolves once `done` holds after something it said. */
  said(done: () => boolean): Promise<void>
  kill(): Promise<void>
}

function startHolder(input: HolderInput): Holder {
  const child = spawn(process.execPath, ["--import", "tsx", script, JSON.stringify(input)], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  let text = ""
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    text += part
  })
  /** What follows the word in the last whole line that begins with it. */
  const last = (word: string): string | undefined => {
    const lines = `\n${text.slice(0, text.lastIndexOf("\n") + 1)}`
    const at = lines.lastIndexOf(`\n${word} `)
    return at === -1 ? undefined : lines.slice(at + word.length + 2, lines.indexOf("\n", at + 1))
  }
  return {
    child,
    wrote: () => Number(last("wrote") ?? 0),
    refusal: () => last("refused"),
    said: async (done) => void (await eventually(async () => (done() ? true : undefined))),
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, "exit")
      child.kill("SIGKILL")
      await ended
    },
  }
}

async function eventually<T>(ask: () => Promise<T | undefined>): Promise<T> {
  const end = performance.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask()
    if (answer !== undefined) return answer
    if (performance.now() > end) throw new Error(`Nothing after ${PATIENCE_MS} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
