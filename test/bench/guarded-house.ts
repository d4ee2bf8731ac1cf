import process from "node:process"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { createNodeSystem } from "../../adapters/system/node.ts"
import config from "../../config/switchboard.config.ts"
import { createBackground } from "../../core/background.ts"
import { coreErrors } from "../../core/errors.ts"
import { createHooks } from "../../core/hooks.ts"
import { createHttp, type Http } from "../../core/http/app.ts"
import type { OwnedRoute } from "../../core/http/table.ts"
import { companyFieldsOf } from "../../core/line/company-fields.ts"
import { createLines, type Lines } from "../../core/lines.ts"
import { createInstruments } from "../../core/loading/instruments.ts"
import { setUpPlugin } from "../../core/loading/plugin-setup.ts"
import type { Logger } from "../../core/log.ts"
import { createSendChecks, refOf } from "../../core/message/send-checks.ts"
import { recipientText } from "../../core/message/recipient.ts"
import type { Plugin, ResealProgress, z } from "../../core/plugin.ts"
import { createLocalOwnership } from "../../core/records/local-ownership.ts"
import { createMemoryAtomic } from "../../core/records/memory-atomic.ts"
import { createStorageProbe } from "../../core/records/storage-probe.ts"
import { messageRoutes } from "../../core/routes/messages.ts"
import { coreSettings } from "../../core/settings.ts"
import type { Call, Message } from "../../core/types.ts"
import { createFakeAuths, createFakeHomes, createFakeProvider } from "../support/fake-provider.ts"
import { createTestMonitor } from "../support/monitor.ts"

/** A house with every guard on, whose sends end where the outbox would begin. */
export interface GuardedHouse {
  readonly http: Http
  /** The schema of a send's body. */
  readonly sendBody: z.ZodType
  /** A key of the company's own, of scope `send` and `read`. */
  readonly key: string
  /** The plugins that stand before a send. */
  readonly guards: readonly string[]
}

export const COMPANY = "acme"
const ADMIN_KEY = "bench-admin-key-of-32-characters"
const LISTED = 1_000
/** As the operator sets them; a limit that nobody reaches counts every message all the same. */
const ENV: Readonly<Record<string, unknown>> = {
  WHATSAPP_API_KEY: ADMIN_KEY,
  WHATSAPP_BLOCKED_NUMBERS: Array.from({ length: LISTED }, (_, at) => `+7911${1_000_000 + at}`).join(","),
  WHATSAPP_RATE_LIMIT_PER_COMPANY: 1_000_000,
}
const GUARDS: ReadonlySet<string> = new Set(["api-keys", "validation", "blocking", "rate-limit", "health"])
const scopes = new Set(["send", "read", "session", "admin", "operator"] as const)
const operator: Call = { company: COMPANY, requestId: "bench", principal: { kind: "admin", scopes } }

/** Neither side logs: what a line costs depends on where it goes. */
const silent: Logger = {
  level: "silent",
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: (fields, message) => void process.stderr.write(`${message} ${JSON.stringify(fields)}\n`),
  fatal: () => undefined,
  child: () => silent,
}

const resting = (): ResealProgress => ({
  state: "idle",
  startedAt: null,
  endedAt: null,
  companies: { total: 0, done: 0, failed: 0 },
  records: 0,
  failures: [],
})

export async function openGuardedHouse(): Promise<GuardedHouse> {
  const clock = createClock()
  const system = createNodeSystem()
  const log = silent
  const plugins = config.plugins.filter((one): one is Plugin => typeof one === "object" && GUARDS.has(one.name))
  const { fields } = companyFieldsOf(plugins, [])
  const hooks = createHooks({ clock, log })
  const { book, monitor } = createTestMonitor(createMemoryLedger())
  const { ledger } = book
  const egress = config.egress({ allowPrivate: false, clock, log })
  const settings = coreSettings.parse({})
  const lines = createLines({
    settings,
    provider: createFakeProvider(clock.now),
    ledger,
    homes: createFakeHomes(createFakeAuths(), createLocalOwnership(ledger)),
    storeNames: ["filesystem"],
    companyFields: fields,
    hooks,
    clock,
    log,
    sha256: system.sha256,
    openSha256: system.openSha256,
    egress,
  })
  const blockedNumbers = Array.from({ length: LISTED }, (_, at) => `7912${1_000_000 + at}`)
  await lines.companySettings.put(operator, {
    name: "Acme",
    fields: Object.hasOwn(fields, "blockedNumbers") ? { blockedNumbers } : {},
  })

  const routes: OwnedRoute[] = messageRoutes({ ...lines, ...checked(lines) }).map((route) => ({ owner: "core", route }))
  const instruments = createInstruments({ companies: 100 })
  let http: Http | undefined
  for (const { name, hooks: own = {}, metrics = {} } of plugins) {
    instruments.declare(name, metrics)
    for (const [hook, kind] of Object.entries(own)) hooks.declare(name, hook, kind)
  }
  for (const plugin of plugins) {
    await setUpPlugin(plugin, plugin.config?.parse(settingsFor(plugin)) ?? {}, {
      ...lines.views,
      hooks,
      log,
      clock,
      system,
      egress,
      routes,
      instruments,
      monitor,
      background: createBackground({ onFault: ({ message }) => log.error({}, message) }),
      atomic: { local: createMemoryAtomic(clock), shared: undefined },
      records: { seal: () => undefined, reseal: resting, resealProgress: resting },
      provider: "fake",
      dataFolder: ".",
      probeStorage: createStorageProbe(ledger, clock),
      services: new Map(),
      document: () => http?.document(),
    })
  }
  hooks.freeze()
  const errors = { ...coreErrors, ...Object.assign({}, ...plugins.map((plugin) => plugin.errors)) }
  http = createHttp({ routes, hooks, settings, log, clock, errors, isClosing: () => false, version: "bench" })
  return { http, sendBody: bodyOf(routes), key: await makeKey(http), guards: plugins.map(({ name }) => name) }

  /** What a send goes through before it is stored, on a line that is connected; and one message to read. */
  function checked({ chats }: Lines): Pick<Lines, "outbound" | "messages"> {
    const gate = { gate: async () => "connected" as const, restriction: () => null, touch: () => undefined }
    const checks = createSendChecks({ chats, lines: gate, hooks, clock, log })
    let sent = 0
    const outbound: Lines["outbound"] = {
      ...lines.outbound,
      async send({ call, body, form }) {
        const { draft } = await checks.prepare(call, body, form)
        const chat = await chats.resolve(call.company, refOf(draft.to))
        await checks.admit(call, draft, chat)
        return { status: 200, data: answerOf(call.company, recipientText(draft.to), ++sent) }
      },
    }
    return { outbound, messages: { ...lines.messages, find: async () => message } }
  }
}

/** What a send answers with. */
export function answerOf(companyId: string, to: string, sent: number): Record<string, unknown> {
  const messageId = `3EB0${sent.toString(16).padStart(16, "0").toUpperCase()}`
  return { messageId, companyId, to, status: "sent", timestamp: new Date().toISOString() }
}

export const message: Message = {
  messageId: "3EB0000000000000000A",
  providerMessageId: "3EB0000000000000000A",
  companyId: COMPANY,
  chatId: "c_0123456789abcdef",
  direction: "outbound",
  origin: "api",
  phone: "79001234567",
  lid: null,
  group: null,
  type: "text",
  message: "Your parcel is at the door",
  status: "sent",
  times: { queued: 1_700_000_000_000, sent: 1_700_000_000_100 },
  error: null,
}

function bodyOf(routes: readonly OwnedRoute[]): z.ZodType {
  const body = routes.find(({ route }) => route.spec.path === "/api/whatsapp/send")?.route.spec.body
  if (body === undefined) throw new Error("There is no send")
  return body
}

function settingsFor({ env = {} }: Plugin): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([variable, binding]) => {
      const key = typeof binding === "string" ? binding : binding.key
      return Object.hasOwn(ENV, variable) ? [[key, ENV[variable]]] : []
    }),
  )
}

async function makeKey(http: Http): Promise<string> {
  const headers = { "x-api-key": ADMIN_KEY, "content-type": "application/json", host: "localhost" }
  const body = JSON.stringify({ name: "bench", scopes: ["send", "read"] })
  const url = `http://localhost/api/whatsapp/companies/${COMPANY}/keys`
  const answer = await http.fetch(new Request(url, { method: "POST", headers, body }), { remoteAddress: "127.0.0.1" })
  const { data } = (await answer.json()) as { data?: { key?: string } }
  if (data?.key === undefined) throw new Error(`No key was made: ${answer.status}`)
  return data.key
}
