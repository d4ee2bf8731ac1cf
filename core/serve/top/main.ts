import process from "node:process"
import { parseArgs } from "node:util"
import { toError } from "../../errors.ts"
import { wrongUse } from "../companies/failure.ts"
import { createOutput } from "../companies/output.ts"
import { tell } from "../companies/tell.ts"
import { isOrder, ORDERS } from "./ranking.ts"
import type { RunOptions } from "./run.ts"
import type { Watch } from "./watch.ts"

const HELP = `A live view of the server: lines by state, rates, errors, queue, memory, alerts and the worst companies.

Usage: npm run top -- [options]

  --url <url>           The server at this address; without it, where the settings here say that it listens
  --interval <seconds>  Between two looks, from 0.2 to 3600; 2 by default
  --sort <order>        The worst companies by ${ORDERS.join(", ")}; ${ORDERS[0]} by default
  --once                One block of plain text, and no more
  --json                Each look as one line of JSON
  --help                This text

The admin key comes from WHATSAPP_API_KEY, from the file that WHATSAPP_API_KEY_FILE names, or from .env.
Keys: q quits; e, w and s sort by errors, by waiting messages and by silence.
Where there is no terminal it writes a block of plain text at each look.`

interface Wanted extends RunOptions {
  readonly help: boolean
  readonly url: string | undefined
}

const LONGEST_S = 3_600
const SHORTEST_S = 0.2
/** A server that takes longer is as good as away, and what it says is old. */
const TIMEOUT_MS = 10_000

/** Runs until somebody ends it; the exit code is 0, 1 when it failed, 2 when it was asked wrongly. */
export async function main(argv: readonly string[]): Promise<number> {
  const out = createOutput(argv.includes("--json"))
  try {
    const wanted = parse(argv)
    if (wanted.help) {
      console.log(HELP)
      return 0
    }
    const watch = await open(wanted.url)
    // The rest is loaded only for those who need it: help is there at once.
    const { runPlain, runScreen } = await import("./run.ts")
    const terminal = process.stdout.isTTY && process.env.TERM !== "dumb"
    if (terminal && !wanted.once && !wanted.json) await runScreen(watch, wanted)
    else await runPlain(watch, wanted)
    return 0
  } catch (thrown) {
    return tell(out, thrown)
  }
}

function parse(argv: readonly string[]): Wanted {
  const flag = { type: "boolean", default: false } as const
  try {
    const options = {
      url: { type: "string" },
      interval: { type: "string", default: "2" },
      sort: { type: "string", default: ORDERS[0] },
      once: flag,
      json: flag,
      help: { ...flag, short: "h" },
    } as const
    const { url, interval, sort, once, json, help } = parseArgs({ args: [...argv], options, strict: true }).values
    const seconds = /^\d{1,4}(\.\d{1,3})?$/.test(interval) ? Number(interval) : Number.NaN
    if (!(seconds >= SHORTEST_S && seconds <= LONGEST_S))
      throw new Error(`--interval: expected seconds from ${SHORTEST_S} to ${LONGEST_S}`)
    if (!isOrder(sort)) throw new Error(`--sort: expected one of ${ORDERS.join(", ")}`)
    return { url, intervalMs: seconds * 1_000, order: sort, once, json, help }
  } catch (thrown) {
    throw wrongUse(toError(thrown).message, "`npm run top -- --help` shows what it takes")
  }
}

async function open(given: string | undefined): Promise<Watch> {
  const [{ remedyOf }, { createClient }, { collect }, { createWatch }] = await Promise.all([
    import("../companies/api.ts"),
    import("../client/index.ts"),
    import("./collect.ts"),
    import("./watch.ts"),
  ])
  const { url, apiKey } = await find(given)
  // Whatever fails is looked at again at the next interval anyway.
  const client = createClient({ url, apiKey, retries: 0, timeoutMs: TIMEOUT_MS })
  return createWatch(url, () => collect(client), remedyOf)
}

async function find(given: string | undefined): Promise<{ readonly url: string; readonly apiKey: string | undefined }> {
  const { WHATSAPP_API_KEY: apiKey, WHATSAPP_API_KEY_FILE: file } = process.env
  // Nothing else of the settings is needed then, which takes most of the start.
  if (given !== undefined && apiKey !== undefined && apiKey !== "" && !file) return { url: given, apiKey }
  const { addressIn, adminKey, readSources } = await import("../companies/server.ts")
  const { sources, system } = await readSources()
  return { url: given ?? addressIn(sources), apiKey: await adminKey(sources, system) }
}
