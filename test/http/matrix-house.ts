import { createHash } from "node:crypto"
import { expect, vi } from "vitest"
import { memoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import standard from "../../config/switchboard.config.ts"
import { type App, createApp } from "../../core/app.ts"
import type { Clock } from "../../core/clock.ts"
import type { Ledger } from "../../core/ledger.ts"
import { type Plugin, z } from "../../core/plugin.ts"
import type { OpenStore } from "../../core/store.ts"
import type { System } from "../../core/system.ts"
import { createTestEgress } from "../support/egress.ts"
import { createFakeProvider, type FakeProvider } from "../support/fake-provider.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import type { Answer } from "./harness.ts"

/**
 * The server as `config/switchboard.config.ts` puts it together, every plugin in it, over a ledger and a store in memory
 * and a WhatsApp that the test is. What it calculates and reads can be counted.
 */
export interface MatrixHouse {
  readonly app: App
  readonly provider: FakeProvider
  readonly log: TestLog
  readonly ledger: Ledger
  /** Names of what was asked of the machine's cryptography and of the ledger, in order, since `forgetWork`. */
  work(): Work
  forgetWork(): void
  /** Lets time pass for everything that reads the clock. Rounds of housekeeping do not come by themselves here. */
  ahead(ms: number): void
  call(method: string, path: string, init?: CallInit): Promise<Answer>
  /** A digest of all that is kept of a company: records of the ledger, and its auth state. */
  digestOf(company: string): Promise<string>
  /** Links the company's line and opens it; `headers` are those of a caller who may. */
  connect(company: string, headers?: Readonly<Record<string, string>>): Promise<void>
  /** Resolves when all that goes on after an answer has had its turns. */
  settle(): Promise<void>
  stop(): Promise<void>
}

export interface Work {
  /** Calls of `sha256`, `hmac` and `equal` alone: nothing else compares keys. */
  readonly digests: readonly string[]
  readonly ledger: readonly string[]
}

export interface CallInit {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Of the caller; by default this machine. */
  readonly address?: string
}

export interface MatrixOptions {
  readonly env?: Readonly<Record<string, string>>
  readonly plugins?: readonly (Plugin | string)[]
  /** Stands between the house and its ledger. */
  readonly wrap?: (ledger: Ledger) => Ledger
}

export async function startMatrixHouse({
  env = {},
  plugins = [],
  wrap = (ledger) => ledger,
}: MatrixOptions = {}): Promise<MatrixHouse> {
  const provider = createFakeProvider(() => Date.now())
  // Shown at once: a QR code, or the pairing code that was asked for.
  provider.onConnect = (line) =>
    queueMicrotask(() => (line.input.link.method === "qr" ? line.qr("2@qr") : line.pairingCode("ABCD-EFGH")))
  const log = createTestLog()
  const digests: string[] = []
  const reads: string[] = []
  const { clock, ahead } = movableClock()
  const opened: { ledger?: Ledger; store?: OpenStore } = {}
  const app = createApp({
    config: {
      ...standard,
      plugins: [...standard.plugins, ...plugins],
      providers: [{ name: "fake", config: z.object({}), env: {}, create: () => provider }],
      stores: [
        {
          ...memoryStorage,
          open: async (options) => (opened.store = await memoryStorage.open(options)),
        },
      ],
      ledger: {
        ...memoryLedger,
        async open(options) {
          opened.ledger = await memoryLedger.open(options)
          return counted(wrap(opened.ledger), reads)
        },
      },
      egress: createTestEgress,
    },
    system: countedSystem(log, digests),
    clock,
    env: {
      WHATSAPP_PROVIDER: "fake",
      WHATSAPP_STORAGE: "memory",
      WHATSAPP_HEALTH_CHECK_INTERVAL: "2147483647",
      ...env,
    },
  })
  await app.start()
  const { ledger, store } = opened
  if (ledger === undefined || store === undefined) throw new Error("The house has opened no ledger or no store")

  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
  // What a start goes on with behind its back.
  await settle()
  const house: MatrixHouse = {
    app,
    provider,
    log,
    ledger,
    ahead,
    settle,
    work: () => ({ digests: [...digests], ledger: [...reads] }),
    forgetWork() {
      digests.length = 0
      reads.length = 0
    },
    async call(method, path, { key, body, headers = {}, address = "127.0.0.1" } = {}) {
      const ended = new AbortController()
      const request = new Request(`http://localhost${path}`, {
        method,
        signal: ended.signal,
        headers: {
          host: "localhost",
          ...(key === undefined ? {} : { "x-api-key": key }),
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const response = await app.fetch(request, { remoteAddress: address })
      if (response.headers.get("content-type")?.startsWith("text/event-stream") !== true) return read(response)
      // A stream has no end; that it began is the answer.
      await response.body?.cancel()
      ended.abort()
      return read(new Response(null, response))
    },
    async digestOf(company) {
      const digest = createHash("sha256")
      for (let after: string | undefined; ; ) {
        const { records, next } = await ledger.dump(company, after, 500)
        for (const record of records) digest.update(textOf(record))
        if (next === null) break
        after = next
      }
      const keys = (await store.driver.keys(company)).sort()
      for (const [at, value] of (await store.driver.load(company, keys)).entries())
        digest.update(textOf([keys[at], value]))
      return digest.digest("hex")
    },
    async connect(company, headers = {}) {
      const path = `/api/whatsapp/sessions/${company}`
      await house.call("POST", `${path}/initialize`, { headers })
      const first = provider.line(company)
      await first.link()
      // WhatsApp wants a new connection then, on this machine's own time.
      await vi.waitFor(() => expect(provider.line(company)).not.toBe(first), PATIENCE)
      await provider.line(company).open()
      await vi.waitFor(async () => {
        expect((await house.call("GET", path, { headers })).json.data).toMatchObject({ status: "connected" })
      }, PATIENCE)
      await settle()
    },
    stop: () => app.stop(),
  }
  return house
}

const PATIENCE = { timeout: 20_000, interval: 5 }

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  const json = text !== "" && headers.get("content-type") === "application/json" ? JSON.parse(text) : {}
  return { status, headers, text, json }
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString("hex") : part))

function movableClock(): { clock: Clock; ahead(ms: number): void } {
  const real = createClock()
  let offset = 0
  return {
    clock: {
      ...real,
      now: () => real.now() + offset,
      monotonic: () => real.monotonic() + offset,
      // What is counted is then a request's alone.
      every: () => ({ cancel: () => undefined }),
    },
    ahead: (ms) => void (offset += ms),
  }
}

/** The machine, without a folder and with its digests counted. */
function countedSystem(log: TestLog, digests: string[]): System {
  const system = createNodeSystem()
  return {
    ...system,
    lockFolder: async () => ({ held: true, release: async () => undefined }),
    openLog: () => ({ log, close: () => undefined }),
    sha256(data) {
      digests.push("sha256")
      return system.sha256(data)
    },
    hmac(key, data) {
      digests.push("hmac")
      return system.hmac(key, data)
    },
    equal(a, b) {
      digests.push("equal")
      return system.equal(a, b)
    },
  }
}

function counted(ledger: Ledger, reads: string[]): Ledger {
  const noted =
    <A extends unknown[], R>(name: string, run: (...input: A) => R) =>
    (...input: A): R => {
      reads.push(name)
      return run(...input)
    }
  return {
    ...ledger,
    commit: noted("commit", ledger.commit),
    get: noted("get", ledger.get),
    page: noted("page", ledger.page),
    log: noted("log", ledger.log),
    tail: noted("tail", ledger.tail),
    numbers: noted("numbers", ledger.numbers),
    due: noted("due", ledger.due),
    dump: noted("dump", ledger.dump),
    companies: noted("companies", ledger.companies),
    erase: noted("erase", ledger.erase),
  }
}
