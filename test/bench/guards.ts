import { pin } from "./cpu.ts"
import { figure, type Figure } from "./figures.ts"
import { launch } from "./launch.ts"
import { type Call, startLoad } from "./load.ts"
import type { PipelineTimes } from "./pipeline.ts"
import type { Run } from "./run.ts"

/** µs of CPU that everything around the schema may cost a send. */
const GUARDS_BAR = 20
/** µs of CPU for seven stages. */
const PIPELINE_BAR = 2
const CONTACTS = 64

type Side = "ours" | "bare"

/** The same request of both sides. */
interface Case {
  readonly name: string
  readonly bar: number | undefined
  /** The `n`th request. */
  readonly call: (side: Side, n: number) => Call
}

const text = (n: number): object => ({
  companyId: "acme",
  phone: `+7 900 ${200 + (n % CONTACTS)}-45-67`,
  message: `Your parcel ${n} is at the door; the code is ${n % 10_000}`,
})

const casesFor = (key: string): readonly Case[] => {
  const headers = { "x-api-key": key }
  const prefix = (side: Side): string => (side === "ours" ? "/api/whatsapp" : "/bare")
  return [
    {
      name: "a send with every guard on",
      bar: GUARDS_BAR,
      call: (side, n) => ({ path: `${prefix(side)}/send`, body: text(n), headers }),
    },
    {
      name: "GET of one message",
      bar: undefined,
      call: (side) => ({ path: `${prefix(side)}/messages/acme/3EB0000000000000000A`, headers }),
    },
    {
      name: "GET /healthz",
      bar: undefined,
      call: (side) => ({ path: side === "ours" ? "/healthz" : "/bare/healthz" }),
    },
  ]
}

/** CPU time of a request through the house, all but the outbox and what is behind it, against a bare route. */
export async function measureGuards(run: Run): Promise<Figure[]> {
  const { guardRounds: rounds, heat, seconds } = run.options
  const server = await start(run)
  try {
    const { key, guards } = await asked<{ key: string; guards: string[] }>(server.url, "/house")
    run.say(`plugins: ${guards.join(", ")}`)
    const cases = casesFor(key).map((one) => ({ ...one, ours: [] as number[], bare: [] as number[] }))
    for (const one of cases) for (const side of ["bare", "ours"] as const) await timed(run, server.url, one, side, heat)
    for (let round = 1; round <= rounds; round++) {
      for (const one of cases) {
        // Whoever comes second finds the machine as the first has left it: they take turns at that.
        for (const side of round % 2 === 0 ? (["ours", "bare"] as const) : (["bare", "ours"] as const)) {
          const micros = await timed(run, server.url, one, side, seconds)
          one[side].push(micros)
          run.say(`round ${round}, ${one.name}, ${side}: ${micros.toFixed(1)} µs of CPU`)
        }
      }
    }
    return cases.map(({ name, ours, bare, bar }) =>
      figure({
        name,
        unit: "CPU µs",
        against: "a bare Hono route with the same schema and answer",
        ours,
        reference: bare,
        bar: bar === undefined ? undefined : { kind: "most", value: bar, of: "difference" },
      }),
    )
  } finally {
    await server.stop()
  }
}

/** What the runners of the stages cost, without any plugin's own work. */
export async function measurePipeline(run: Run): Promise<Figure[]> {
  const server = await start(run)
  try {
    const times = await asked<PipelineTimes>(server.url, `/pipeline/${run.options.guardRounds}`)
    const micros = (nanos: readonly number[]): number[] => nanos.map((value) => value / 1_000)
    return [
      figure({
        name: "seven synchronous stages",
        unit: "CPU µs a message",
        against: "the same handlers, called one after another",
        ours: micros(times.staged),
        reference: micros(times.called),
        bar: { kind: "most", value: PIPELINE_BAR, of: "ours" },
      }),
    ]
  } finally {
    await server.stop()
  }
}

async function start({ options, cores }: Run) {
  const server = await launch({ args: [...options.flags, "dist/test/bench/guarded.js"] })
  if (cores !== null) pin(server.pid, cores.client)
  return server
}

/** CPU time of one request, over `seconds` of them. */
async function timed(run: Run, url: string, { call }: Case, side: Side, seconds: number): Promise<number> {
  const before = await asked<{ micros: number }>(url, "/cpu")
  let n = 0
  const load = startLoad({ url, inFlight: run.options.inFlight, next: () => call(side, ++n) })
  await new Promise((resolve) => setTimeout(resolve, seconds * 1_000))
  load.stop()
  await load.done()
  const after = await asked<{ micros: number }>(url, "/cpu")
  return (after.micros - before.micros) / load.answered()
}

async function asked<T>(url: string, path: string): Promise<T> {
  return (await (await fetch(url + path)).json()) as T
}
