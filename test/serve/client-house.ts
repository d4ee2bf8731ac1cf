import { type Client, assembleClient } from "../../core/serve/client/client.ts"
import type { ClientOptions } from "../../core/serve/client/options.ts"
import type { Timing } from "../../core/serve/client/timing.ts"
import { ADMIN_KEY, type Everything, startEverything } from "../http/everything.ts"
import { createTestLog } from "../support/log.ts"

/** A whole server with linked lines, and clients of it whose waits cost no time. */
export interface ClientHouse {
  readonly everything: Everything
  /** Waits asked for, in ms, oldest first. */
  readonly waits: number[]
  client(more?: Partial<ClientOptions> & { readonly way?: Way }): Client
  /** Texts that a company's line has handed to WhatsApp. */
  sent(company: string): string[]
  link(company: string): Promise<void>
  stop(): Promise<void>
}

/** What stands between client and server; `go` passes the request on. */
export type Way = (request: Request, go: (request: Request) => Promise<Response>) => Promise<Response>

export const COMPANIES = ["salon-1", "salon-2"] as const
const straight: Way = (request, go) => go(request)

export async function openClientHouse(env: Readonly<Record<string, string>> = {}): Promise<ClientHouse> {
  const single = env.DEFAULT_COMPANY_ID
  const linking = single === undefined ? COMPANIES : [single]
  const everything = await startEverything({ log: createTestLog(), linking, env })
  const waits: number[] = []
  const house: ClientHouse = {
    everything,
    waits,
    client: ({ way = straight, ...more } = {}) =>
      assembleClient(
        {
          url: "http://localhost",
          apiKey: ADMIN_KEY,
          fetch: (url, init) => way(new Request(url, init), everything.fetch),
          ...more,
        },
        quickTiming(waits),
      ),
    sent: (company) =>
      everything.provider.connections
        .filter((connection) => connection.company === company)
        .flatMap((connection) => connection.sent)
        .map(({ wire }) => new TextDecoder().decode(wire)),
    async link(company) {
      await house.client().sessions.initialize(company)
      for (;;) {
        if ((await house.client().sessions.status(company)).connected) return
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
    stop: () => everything.stop(),
  }
  return house
}

/** Waits are noted and over at once; deadlines are those of the clock, which no test reaches. */
export function quickTiming(waits: number[]): Timing {
  let elapsed = 0
  return {
    now: () => elapsed,
    random: () => 1,
    after(ms, task) {
      const timer = setTimeout(task, ms)
      return () => clearTimeout(timer)
    },
    async sleep(ms, signal) {
      signal?.throwIfAborted()
      waits.push(ms)
      elapsed += ms
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}
