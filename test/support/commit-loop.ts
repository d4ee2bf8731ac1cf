import { writeSync } from "node:fs"
import process from "node:process"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"

/**
 * Commits until it is killed, three at once on each engine, and says what it has begun and what was acknowledged:
 * `begin <engine> <writer> <turn>`. With `early` it says so before asking the engine, which is the mistake to be seen.
 */
const [, , folder = "", mode = ""] = process.argv
const store = await openFilesystem({ path: `${folder}/auth`, slack: 10_000 })
const ledger = await openLmdb({ folder })
const say = (text: string): number => writeSync(1, `${text}\n`)
const value = (turn: number): Uint8Array => new TextEncoder().encode(`${turn} `.padEnd(700, "x"))

type Commit = (writer: string, turn: number) => Promise<unknown>

const engines: Record<string, Commit> = {
  filesystem: (writer, turn) => {
    const writes = ["a", "b"].map((key) => ({ key: `session/${writer}-${key}`, value: value(turn) }))
    return store.driver.commit("acme", [...writes, { key: `creds/${writer}`, value: value(turn) }], 1)
  },
  lmdb: (writer, turn) =>
    ledger.commit("acme", [
      { op: "put", table: "m", key: writer, value: value(turn), index: { turn: String(turn) }, due: turn },
      { op: "append", table: writer, value: value(turn) },
      { op: "increment", table: "n", key: writer, by: 1 },
    ]),
}

async function loop(engine: string, commit: Commit, writer: string): Promise<never> {
  for (let turn = 1; ; turn++) {
    say(`begin ${engine} ${writer} ${turn}`)
    if (mode === "early") say(`ack ${engine} ${writer} ${turn}`)
    await commit(writer, turn)
    if (mode !== "early") say(`ack ${engine} ${writer} ${turn}`)
  }
}

for (const [engine, commit] of Object.entries(engines)) {
  for (const writer of ["w1", "w2", "w3"]) void loop(engine, commit, writer)
}
