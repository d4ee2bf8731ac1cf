import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { openS3 } from "../../adapters/storage/s3/index.ts"
import type { OpenStore } from "../../core/store.ts"
import { eventually } from "../suites/store-claims/subject.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type FaultServer, startFaultServer } from "../support/s3-fault-server.ts"
import { storeOptions } from "../support/store-options.ts"

const script = fileURLToPath(new URL("../support/s3-commit-loop.ts", import.meta.url))
const FLUSH_MS = 200
/** What an upload may take on a busy machine. */
const UPLOAD_MS = 1_000
/** Longer than both, so that there is something that must have arrived. */
const RUN_MS = 1_600
const keysOf: Readonly<Record<string, readonly string[]>> = {
  one: ["session/one-a", "session/one-b"],
  two: ["session/two-a", "session/two-b"],
  creds: ["session/creds-a", "session/creds-b", "creds/me"],
}

interface Said {
  begun: number
  acknowledged: number
  /** Turns that were acknowledged longer ago than a flush takes. */
  flushed: number
}

interface Outcome {
  lost: number
  torn: number
  unanswered: number
  /** Writers of whom something had to be there. */
  due: number
}

const nothing = (): Outcome => ({ lost: 0, torn: 0, unanswered: 0, due: 0 })

describe("kill -9 in the middle of commits to an S3 store", () => {
  let server: FaultServer
  beforeAll(async () => {
    server = await startFaultServer()
  })
  afterAll(() => server.stop())

  /** Runs the loop, kills it at a random moment, and gives what it said, with its folder and its bucket. */
  async function killOnce(
    more: object,
    extras: object,
  ): Promise<{ said: Map<string, Said>; options: object; folder: string; end(): Promise<void> }> {
    const folder = await temporaryFolder()
    const options = { ...server.options, prefix: `kill-${server.requests.length}`, flushMs: FLUSH_MS, ...more }
    const child = spawn(
      process.execPath,
      ["--import", "tsx", script, folder.path, JSON.stringify(options), JSON.stringify(extras)],
      { stdio: ["ignore", "inherit", "inherit"] },
    )
    const read = (): Promise<string> => readFile(`${folder.path}/said`, "utf8").catch(() => "")
    await eventually(async () => (/ack creds 3 /.test(await read()) ? true : undefined))
    await new Promise((resolve) => setTimeout(resolve, RUN_MS + Math.random() * 400))
    const killed = Date.now()
    child.kill("SIGKILL")
    await once(child, "close")
    const text = await read()
    const said = new Map(Object.keys(keysOf).map((writer) => [writer, { begun: 0, acknowledged: 0, flushed: 0 }]))
    for (const line of text.split("\n").slice(0, -1)) {
      const [word, writer = "", turn, at] = line.split(" ")
      const about = said.get(writer)
      if (about === undefined) continue
      if (word === "begin") about.begun = Number(turn)
      else about.acknowledged = Number(turn)
      if (word === "ack" && Number(at) < killed - FLUSH_MS - UPLOAD_MS) about.flushed = Number(turn)
    }
    return { said, options, folder: folder.path, end: folder.remove }
  }

  /** What is there of each writer, compared with what must be. */
  async function judge(
    store: OpenStore,
    said: Map<string, Said>,
    due: (writer: string, said: Said) => number,
  ): Promise<Outcome> {
    const outcome: Outcome = nothing()
    for (const [writer, about] of said) {
      const values = await store.driver.load(writer === "creds" ? "secret" : "plain", keysOf[writer] ?? [])
      const turns = values.map((value) =>
        value === undefined ? 0 : Number.parseInt(new TextDecoder().decode(value), 10),
      )
      const [turn = 0] = turns
      if (turns.some((other) => other !== turn)) outcome.torn++
      if (turn < due(writer, about)) outcome.lost++
      if (due(writer, about) > 0) outcome.due++
      if (about.begun > about.acknowledged) outcome.unanswered++
    }
    return outcome
  }

  async function kill(times: number, more: object, extras: object): Promise<{ kept: Outcome; alone: Outcome }> {
    const total = { kept: nothing(), alone: nothing() }
    for (let turn = 0; turn < times; turn++) {
      const { said, options, folder, end } = await killOnce(more, extras)
      const empty = await temporaryFolder()
      const alone = await openS3(storeOptions({ ...options, folder: empty.path, store: "s3", instance: "reader" }))
      const kept = await openS3(storeOptions({ ...options, folder, store: "s3", instance: "writer" }))
      const outcomes = {
        alone: await judge(alone, said, (writer, { acknowledged, flushed }) =>
          writer === "creds" ? acknowledged : flushed,
        ),
        kept: await judge(kept, said, (_, { acknowledged }) => acknowledged),
      }
      for (const part of ["kept", "alone"] as const) {
        for (const key of ["lost", "torn", "unanswered", "due"] as const) total[part][key] += outcomes[part][key]
      }
      await Promise.all([alone.close(), kept.close()])
      await Promise.all([empty.remove(), end()])
    }
    return total
  }

  it("loses nothing with the disk, and without it no credentials and nothing older than a flush, and tears nothing", {
    timeout: 120_000,
  }, async () => {
    const { kept, alone } = await kill(6, {}, {})
    expect(kept).toMatchObject({ lost: 0, torn: 0 })
    expect(alone).toMatchObject({ lost: 0, torn: 0 })
    // Three writers in each of six runs: most of them had something under way, else the kills have shown nothing.
    expect(kept.unanswered).toBeGreaterThan(9)
    expect(alone.due).toBeGreaterThan(9)
  })

  it("does lose credentials without the disk when they wait like everything else", { timeout: 120_000 }, async () => {
    const { kept, alone } = await kill(2, { flushMs: 60_000 }, { eager: false })
    expect(kept).toMatchObject({ lost: 0, torn: 0 })
    expect(alone.lost).toBeGreaterThan(0)
  })
})
