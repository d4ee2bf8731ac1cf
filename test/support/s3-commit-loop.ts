import { openSync, writeSync } from "node:fs"
import process from "node:process"
import { openS3 } from "../../adapters/storage/s3/index.ts"
import { storeOptions } from "./store-options.ts"

/**
 * Commits to an S3 store until it is killed, three writers at once, and says what it has begun and what was acknowledged
 * when, in the file `said` of its folder: `begin <writer> <turn>` and `ack <writer> <turn> <ms>`. The writer `creds` changes credentials, in a company of its
 * own, since what is uploaded for them takes everything else with it.
 */
const [, , folder = "", options = "{}", extras = "{}"] = process.argv
const given = JSON.parse(options) as Record<string, unknown>
const store = await openS3(storeOptions({ ...given, folder, store: "s3", instance: "writer" }), JSON.parse(extras))
const fences = new Map<string, number>()
for (const company of ["plain", "secret"]) fences.set(company, (await store.claims?.claim(company))?.fence ?? 0)
const said = openSync(`${folder}/said`, "a")
const say = (text: string): number => writeSync(said, `${text}\n`)
const value = (turn: number): Uint8Array => new TextEncoder().encode(`${turn} `.padEnd(700, "x"))

async function loop(writer: string): Promise<never> {
  const company = writer === "creds" ? "secret" : "plain"
  const fence = fences.get(company) ?? 0
  for (let turn = 1; ; turn++) {
    say(`begin ${writer} ${turn}`)
    const keys = [`session/${writer}-a`, `session/${writer}-b`, ...(writer === "creds" ? ["creds/me"] : [])]
    await store.driver.commit(
      company,
      keys.map((key) => ({ key, value: value(turn) })),
      fence,
    )
    say(`ack ${writer} ${turn} ${Math.round(performance.timeOrigin + performance.now())}`)
  }
}

for (const writer of ["one", "two", "creds"]) void loop(writer)
