import { parseArgs } from "node:util"

export const MEASUREMENTS = [
  ...(["send", "memory", "start", "sealing", "stores", "guards", "pipeline"] as const),
  ...(["instruments", "scrape"] as const),
] as const
export type Measurement = (typeof MEASUREMENTS)[number]

export interface Options {
  readonly measurements: readonly Measurement[]
  readonly rounds: number
  readonly startRounds: number
  readonly guardRounds: number
  /** Numbers of companies at which ours and bare are compared. */
  readonly companies: readonly number[]
  /** Number of companies at which only the cost of a text of ours is taken; 0 leaves it out. */
  readonly growthAt: number
  /** Sessions between which the slope of the memory is taken. */
  readonly sessions: readonly [from: number, to: number]
  /** Seconds of rest before memory is looked at: timers that the library leaves behind at a login last up to a minute. */
  readonly settle: number
  /** Seconds of load on each client before the first round: until its code is compiled, a text costs several times as much. */
  readonly heat: number
  /** Seconds of load before and within each counted round. */
  readonly warmUp: number
  readonly seconds: number
  readonly inFlight: number
  /** Flags of Node for the clients under test. */
  readonly flags: readonly string[]
  readonly json: string | undefined
  /** Use `dist/` as it is. */
  readonly compiled: boolean
}

export const HELP = `npm run bench -- [send] [memory] [start] [sealing] [stores] [guards] [pipeline] [instruments] [scrape]   (all when none is named)

  --rounds N           counted rounds of send, sealing and stores (5), start (twice as many), the others (two more)
  --companies A,B      where ours and bare, or sealed and not, are compared (1,50)
  --growth-at N        where the cost of a text is compared with that at A (150); 0 leaves it out
  --sessions A,B       between which the slope of the memory is taken (50,200)
  --settle S           seconds of rest before memory is looked at (65)
  --heat S             seconds of load on each client before the first round (10)
  --warm-up S          seconds of load before each counted round (2)
  --seconds S          seconds of load in a round (4)
  --in-flight N        requests or saves at a time (32)
  --flags="F G"        flags of Node for both clients, such as --stack-trace-limit=0
  --json FILE          the result as JSON, besides the table
  --compiled           measure dist/ as it is instead of compiling first
`

/** Reads the command line. Throws with a sentence for the user. */
export function readOptions(args: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      companies: { type: "string", default: "1,50" },
      "growth-at": { type: "string", default: "150" },
      sessions: { type: "string", default: "50,200" },
      settle: { type: "string", default: "65" },
      heat: { type: "string", default: "10" },
      "warm-up": { type: "string", default: "2" },
      seconds: { type: "string", default: "4" },
      "in-flight": { type: "string", default: "32" },
      flags: { type: "string", default: "" },
      json: { type: "string" },
      compiled: { type: "boolean", default: false },
    },
  })
  const named = positionals.map((name) => {
    const found = MEASUREMENTS.find((measurement) => measurement === name)
    if (!found) throw new Error(`There is no measurement "${name}"; there are ${MEASUREMENTS.join(", ")}.`)
    return found
  })
  const rounds = count("--rounds", values.rounds, 1)
  const [from, to, ...more] = values.sessions.split(",").map((part) => count("--sessions", part, 1))
  if (from === undefined || to === undefined || more.length > 0 || to - from < 3) {
    throw new Error("--sessions takes two numbers, the second greater by 3 at least, such as 50,200.")
  }
  return {
    measurements: named.length > 0 ? named : MEASUREMENTS,
    rounds,
    startRounds: rounds * 2,
    guardRounds: rounds + 2,
    companies: values.companies.split(",").map((part) => count("--companies", part, 1)),
    growthAt: count("--growth-at", values["growth-at"], 0),
    sessions: [from, to],
    settle: count("--settle", values.settle, 0),
    heat: count("--heat", values.heat, 0),
    warmUp: count("--warm-up", values["warm-up"], 0),
    seconds: count("--seconds", values.seconds, 1),
    inFlight: count("--in-flight", values["in-flight"], 1),
    flags: values.flags.split(" ").filter((flag) => flag !== ""),
    json: values.json,
    compiled: values.compiled,
  }
}

/** Companies are numbered with three digits. */
const MOST = 999

function count(option: string, text: string, least: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text.trim()) || value < least || value > MOST) {
    throw new Error(`${option} takes whole numbers from ${least} to ${MOST}; "${text}" is none.`)
  }
  return value
}
