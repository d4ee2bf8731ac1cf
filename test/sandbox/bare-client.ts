import {
  default as makeWASocket,
  initAuthCreds,
  type AuthenticationCreds,
  type ConnectionState,
  type SignalDataSet,
  type SignalDataTypeMap,
  type UserFacingSocketConfig,
  type WAMessage,
  type WASocket,
} from "@whiskeysockets/baileys"
import { createWatch } from "./watch.ts"

/** What an unmodified Baileys client saw since it was made, over all its sockets. */
export interface BareClient {
  readonly creds: AuthenticationCreds
  readonly socket: WASocket
  readonly qrs: string[]
  readonly messages: WAMessage[]
  /** By message id, the highest status and the error code of a refusal. */
  readonly statuses: Map<string, { status: number; error?: string }>
  /** Status codes of the closes, in order. */
  readonly closes: number[]
  readonly state: () => string
  /** Opens a socket with the credentials it has. */
  connect(extra?: Partial<UserFacingSocketConfig>): WASocket
  /** As soon as `look` gives something; rejects after `ms`. */
  until<T>(what: string, look: () => T | undefined | false, ms?: number): Promise<T>
  opened(ms?: number): Promise<void>
  /** Past the first synchronisation; a client that leaves before it waits up to 20 s for it at its next login. */
  synced(): Promise<void>
  texts(): string[]
  end(): void
}

const quiet = {
  level: "silent",
  child: () => quiet,
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
}

/** A bare Baileys client with keys in memory, for tests of the sandbox itself. It reconnects only on 515. */
export function createBareClient(url: string, base: Partial<UserFacingSocketConfig> = {}): BareClient {
  const creds = initAuthCreds()
  const keys = new Map<string, unknown>()
  const watch = createWatch()
  const qrs: string[] = []
  const messages: WAMessage[] = []
  const statuses: BareClient["statuses"] = new Map()
  const closes: number[] = []
  let state = "new"
  let socket: WASocket | undefined

  const store = {
    async get<T extends keyof SignalDataTypeMap>(type: T, ids: string[]) {
      const found: Record<string, SignalDataTypeMap[T]> = {}
      for (const id of ids) {
        const value = keys.get(`${type} ${id}`)
        if (value !== undefined) found[id] = structuredClone(value) as SignalDataTypeMap[T]
      }
      return found
    },
    async set(data: SignalDataSet) {
      for (const [type, entries] of Object.entries(data)) {
        for (const [id, value] of Object.entries(entries)) {
          if (value === null) keys.delete(`${type} ${id}`)
          else keys.set(`${type} ${id}`, structuredClone(value))
        }
      }
    },
  }

  const note = (id: string, status: number | null | undefined, error: string | undefined): void => {
    if (status === null || status === undefined) return
    const known = statuses.get(id)
    const merged = { status: Math.max(status, known?.status ?? 0) }
    const code = error ?? known?.error
    statuses.set(id, code === undefined ? merged : { ...merged, error: code })
  }
  const onConnection = ({ connection, qr, lastDisconnect }: Partial<ConnectionState>): void => {
    if (qr) qrs.push(qr)
    if (connection) state = connection
    if (connection === "close") {
      const error = lastDisconnect?.error as { output?: { statusCode?: number } } | undefined
      const code = error?.output?.statusCode ?? 0
      closes.push(code)
      if (code === 515) client.connect()
    }
    watch.changed()
  }

  const client: BareClient = {
    creds,
    qrs,
    messages,
    statuses,
    closes,
    state: () => state,
    get socket() {
      if (!socket) throw new Error("not connected")
      return socket
    },
    connect(extra = {}) {
      const made = makeWASocket({
        auth: { creds, keys: store },
        waWebSocketUrl: url,
        logger: quiet,
        browser: ["Sandbox", "Chrome", "1.0"],
        syncFullHistory: false,
        shouldSyncHistoryMessage: () => true,
        ...base,
        ...extra,
      })
      socket = made
      made.ev.on("connection.update", onConnection)
      made.ev.on("creds.update", () => watch.changed())
      made.ev.on("messages.upsert", ({ messages: batch }) => {
        for (const message of batch) {
          messages.push(message)
          note(message.key.id ?? "", message.status, message.messageStubParameters?.[0])
        }
        watch.changed()
      })
      made.ev.on("messages.update", (updates) => {
        for (const { key, update } of updates) note(key.id ?? "", update.status, update.messageStubParameters?.[0])
        watch.changed()
      })
      return made
    },
    async until(what, look, ms = 10_000) {
      const found = await watch.until(() => look() || undefined, ms)
      if (found === undefined) throw new Error(`not within ${ms} ms: ${what} (state ${state}, closes ${closes.join()})`)
      return found
    },
    async opened(ms) {
      await client.until("connection open", () => state === "open", ms)
    },
    async synced() {
      await client.until("the first synchronisation", () => (creds.accountSyncCounter ?? 0) > 0)
    },
    texts: () => messages.filter((one) => !one.key.fromMe).flatMap((one) => textOf(one) ?? []),
    end() {
      void socket?.end(undefined)
    },
  }
  return client
}

function textOf(message: WAMessage): string | undefined {
  return message.message?.conversation ?? message.message?.extendedTextMessage?.text ?? undefined
}
