import type { Clock } from "../../core/clock.ts"
import { appError } from "../../core/errors.ts"
import type { AuthBatch, AuthStore } from "../../core/store.ts"
import type {
  ChatRef,
  Connection,
  ConnectInput,
  InboundMessage,
  Intake,
  Provider,
  ProviderEvent,
  ReceiptUpdate,
} from "../../core/provider.ts"
import { openConnection } from "../../adapters/provider/baileys/connection.ts"
import baileys from "../../adapters/provider/baileys/index.ts"
import { loadBaileys, trustRoot } from "../../adapters/provider/baileys/load-baileys.ts"
import type { Sandbox, SandboxPhone } from "../sandbox/index.ts"
import type { Logger } from "../../core/log.ts"
import { createTestLog, type TestLog } from "../support/log.ts"

/** Real time: these tests talk over real sockets. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, ms)
    timer.unref()
    return { cancel: () => clearTimeout(timer) }
  },
  every(ms, task) {
    const timer = setInterval(task, ms)
    timer.unref()
    return { cancel: () => clearInterval(timer) }
  },
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason as Error)
      const timer = setTimeout(done, ms)
      timer.unref()
      const onAbort = (): void => {
        clearTimeout(timer)
        reject(signal?.reason as Error)
      }
      signal?.addEventListener("abort", onAbort, { once: true })
      function done(): void {
        signal?.removeEventListener("abort", onAbort)
        resolve()
      }
    }),
}

/** An auth store in memory that can be slow, fail and hang, and that counts. */
export interface TestStore extends AuthStore {
  readonly records: Map<string, Uint8Array>
  /** Milliseconds that each call takes at most, at random. */
  latencyMs: number
  failing: boolean
  /** While set, no call is answered until it is cleared with `release`. */
  hang(): void
  release(): void
  saves: number
  /** A copy that shares nothing: what a restarted process would find. */
  copy(): TestStore
}

export function createTestStore(from?: ReadonlyMap<string, Uint8Array>): TestStore {
  const records = new Map([...(from ?? [])].map(([key, value]) => [key, value.slice()]))
  let hanging: Promise<void> | undefined
  let free = (): void => undefined

  async function answer(): Promise<void> {
    if (hanging) await hanging
    if (store.latencyMs > 0) await realClock.sleep(Math.random() * store.latencyMs)
    if (store.failing) throw appError("STORAGE_UNAVAILABLE")
  }
  const store: TestStore = {
    records,
    latencyMs: 0,
    failing: false,
    saves: 0,
    hang() {
      hanging = new Promise((resolve) => {
        free = resolve
      })
    },
    release() {
      hanging = undefined
      free()
    },
    async load(type, ids) {
      await answer()
      const found: Record<string, Uint8Array> = {}
      for (const id of ids) {
        const value = records.get(`${type} ${id}`)
        if (value) found[id] = value.slice()
      }
      return found
    },
    async save(batch: AuthBatch) {
      await answer()
      store.saves++
      for (const [type, values] of Object.entries(batch)) {
        for (const [id, value] of Object.entries(values)) {
          if (value === null) records.delete(`${type} ${id}`)
          else records.set(`${type} ${id}`, value.slice())
        }
      }
    },
    async clear() {
      await answer()
      records.clear()
    },
    copy: () => createTestStore(records),
  }
  return store
}

/** One company's line as core would run it: everything that happened is kept, and it connects again when told to restart. */
export interface TestLine {
  readonly store: TestStore
  readonly provider: Provider
  readonly log: TestLog
  readonly events: ProviderEvent[]
  readonly messages: InboundMessage[]
  readonly receipts: ReceiptUpdate[]
  /** Wire content of what was sent, as an outbox would keep it. */
  readonly sent: Map<string, Uint8Array>
  /** Replaces what happens to inbound messages. */
  intake: Intake
  connection: Connection
  connect(link?: ConnectInput["link"]): Promise<void>
  /** Links with the phone and waits until the line is open. */
  link(phone: SandboxPhone): Promise<void>
  send(to: ChatRef | string, text: string, id?: string): ReturnType<Connection["send"]>
  until<T>(what: string, look: () => T | undefined | false | null, ms?: number): Promise<T>
  event<K extends ProviderEvent["type"]>(type: K, ms?: number): Promise<Extract<ProviderEvent, { type: K }>>
  texts(): string[]
  close(): Promise<void>
}

export interface TestLineOptions {
  /** Shorter deadlines than the product's. */
  readonly limits?: { readonly outageLimitMs?: number; readonly sendDeadlineMs?: number }
  readonly sandbox: Pick<Sandbox, "url" | "rootKey">
  readonly company?: string
  readonly store?: TestStore
  readonly connectTimeoutMs?: number
  readonly keepAliveMs?: number
  readonly proxy?: string
  readonly provider?: Provider
  readonly log?: Logger
}

let nextId = 0

export function newId(): string {
  nextId++
  return `3EB0${Date.now().toString(16).toUpperCase()}${String(nextId).padStart(6, "0")}`
}

export function toPerson(phone: string): ChatRef {
  return { kind: "person", phone, lid: null }
}

export function createProvider(sandbox: Pick<Sandbox, "url" | "rootKey">, debug = false): Provider {
  const config = baileys.config.parse({ socketUrl: sandbox.url, rootKey: sandbox.rootKey, debug })
  return baileys.create({ config, log: createTestLog(), clock: realClock })
}

export function createTestLine(options: TestLineOptions): TestLine {
  const { sandbox, company = "acme" } = options
  const store = options.store ?? createTestStore()
  const log = createTestLog()
  const provider = options.provider ?? createProvider(sandbox)
  const { limits } = options
  const open = limits ? impatient(sandbox, limits) : provider.connect
  const watchers = new Set<() => void>()
  const changed = (): void => {
    for (const watcher of [...watchers]) watcher()
  }
  const events: ProviderEvent[] = []
  const messages: InboundMessage[] = []
  const receipts: ReceiptUpdate[] = []
  const sent = new Map<string, Uint8Array>()
  const known = new Set<string>()

  const keep: Intake = {
    async message(message) {
      const key = `${JSON.stringify(message.chat)} ${message.sender.phone ?? message.sender.lid} ${message.wireId}`
      if (known.has(key)) return
      known.add(key)
      messages.push(message)
      changed()
    },
    async receipt(update) {
      receipts.push(update)
      changed()
    },
  }
  const line: TestLine = {
    store,
    provider,
    log,
    events,
    messages,
    receipts,
    sent,
    intake: keep,
    connection: unconnected,
    async connect(link = { method: "qr" }) {
      line.connection = await open({
        company,
        auth: store,
        signal: new AbortController().signal,
        link,
        intake: {
          message: (message) => line.intake.message(message),
          receipt: (update) => line.intake.receipt(update),
        },
        emit(event) {
          events.push(event)
          if (event.type === "close" && event.reason === "restart-required") void line.connect(link)
          changed()
        },
        sentContent: async (id) => sent.get(id),
        options: {
          keepAliveMs: options.keepAliveMs ?? 30_000,
          connectTimeoutMs: options.connectTimeoutMs ?? 20_000,
          log: options.log ?? log,
          clock: realClock,
          ...(options.proxy !== undefined && {
            proxy: { url: options.proxy, address: new URL(options.proxy).hostname },
          }),
        },
      })
    },
    async link(phone) {
      await line.connect()
      const { qr } = await line.event("qr")
      await phone.link(qr)
      await line.event("open")
    },
    send(to, text, id = newId()) {
      const wire = provider.encode({ type: "text", text })
      sent.set(id, wire)
      return line.connection.send({ id, to: typeof to === "string" ? toPerson(to) : to, wire })
    },
    until(what, look, ms = 10_000) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          watchers.delete(check)
          const last = events.slice(-5).map((event) => JSON.stringify(event))
          reject(new Error(`no ${what} within ${ms} ms; last events: ${last.join(" ")}`))
        }, ms)
        const check = (): void => {
          const found = look()
          if (found === undefined || found === false || found === null) return
          clearTimeout(timer)
          watchers.delete(check)
          resolve(found)
        }
        watchers.add(check)
        check()
      })
    },
    event(type, ms) {
      return line.until(`event ${type}`, () => events.findLast((event) => event.type === type) as never, ms)
    },
    texts: () => messages.flatMap(({ content }) => (content.type === "text" ? [content.text] : [])),
    close: () => line.connection.close(),
  }
  return line
}

const unconnected: Connection = {
  send: async () => ({ outcome: "not-sent", cause: new Error("not connected") }),
  prove: async () => undefined,
  logout: async () => undefined,
  close: async () => undefined,
}

function impatient(
  sandbox: TestLineOptions["sandbox"],
  limits: NonNullable<TestLineOptions["limits"]>,
): Provider["connect"] {
  const settings = baileys.config.parse({ socketUrl: sandbox.url, rootKey: sandbox.rootKey })
  let after = Promise.resolve()
  return async (input) => {
    const library = await loadBaileys()
    trustRoot(library, sandbox.rootKey)
    const context = { library, settings, after, outageLimitMs: 30_000, sendDeadlineMs: 20_000, ...limits }
    const connection = openConnection(input, context)
    after = connection.settled
    return connection
  }
}
