import { createHash } from "node:crypto"
import { memoryLedger } from "../../adapters/ledger/memory/index.ts"
import { memoryStorage } from "../../adapters/storage/memory/index.ts"
import { type App, createApp } from "../../core/app.ts"
import { hookTable } from "../../core/loading/hook-table.ts"
import {
  definePlugin,
  type HookKind,
  type HookName,
  KEY_ID_BYTES,
  type Plugin,
  type Principal,
  SEALED_ROOM,
  z,
} from "../../core/plugin.ts"
import { type Answer, read } from "../http/harness.ts"
import { createTestClock, type TestClock } from "../support/clock.ts"
import { createTestEgress } from "../support/egress.ts"
import { createFakeProvider, type FakeProvider } from "../support/fake-provider.ts"
import type { TestLog } from "../support/log.ts"
import { createTestSystem } from "../support/system.ts"

/** A server on which one plugin misbehaves at one stage, whenever the test wants it to. */
export interface Haunted {
  readonly app: App
  readonly clock: TestClock
  readonly provider: FakeProvider
  readonly log: TestLog
  /** How the plugin `faulty` behaves at its stage from now on. */
  misbehaviour: Misbehaviour | undefined
  /** Faults as `plugin:fault` tells them: plugin, stage and message. */
  readonly told: (readonly string[])[]
  /** How often the plugin behind `faulty` has been asked at that stage. */
  readonly asked: () => number
  start(): Promise<void>
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  /** As `call`, while so much time passes. */
  callWhile(ms: number, method: string, path: string, body?: unknown): Promise<Answer>
  /** Links the company and opens its line. */
  connect(company: string): Promise<void>
  stop(): Promise<void>
}

export const misbehaviours = ["throws", "rejects", "hangs", "answers wrongly"] as const
export type Misbehaviour = (typeof misbehaviours)[number]

/** Stands in what is thrown, and must be nowhere but in the log and in what other plugins are told. */
export const SECRET = "the-words-of-a-broken-plugin"
/** Whom a plugin of the house refuses to write to. */
export const BLOCKED = "79009999999"

const principal: Principal = { kind: "admin", scopes: new Set(["send", "read", "session", "admin", "operator"]) }
const WRONG: Readonly<Record<HookKind, unknown>> = { guard: true, first: {}, transform: 5, collect: "fine", observe: 5 }
const SOUND: Readonly<Record<HookKind, (value: unknown) => unknown>> = {
  guard: () => undefined,
  first: () => undefined,
  transform: (value) => value,
  collect: () => ({ ok: true }),
  observe: () => undefined,
}

type Loose = (name: HookName, handler: (value: unknown) => unknown) => void

export function openHaunted(stage: HookName & keyof typeof hookTable, more: readonly Plugin[] = []): Haunted {
  const clock = createTestClock()
  const provider = createFakeProvider(clock.now)
  const system = createTestSystem()
  const told: (readonly string[])[] = []
  const { kind } = hookTable[stage]
  let asked = 0

  const faulty = definePlugin({
    name: "faulty",
    description: "Misbehaves when it is told to",
    setup({ on }) {
      ;(on as Loose)(stage, (value) => {
        if (house.misbehaviour === "throws") throw new Error(SECRET)
        if (house.misbehaviour === "rejects") return Promise.reject(new Error(SECRET))
        if (house.misbehaviour === "hangs") return new Promise(() => undefined)
        return house.misbehaviour === undefined ? SOUND[kind](value) : WRONG[kind]
      })
    },
  })
  const witness = definePlugin({
    name: "witness",
    description: "Sees whether it is still asked",
    setup({ on }) {
      ;(on as Loose)(stage, (value) => {
        asked++
        return SOUND[kind](value)
      })
      if (stage !== "plugin:fault")
        on("plugin:fault", ({ plugin, hook, message }) => void told.push([plugin, hook, message]))
    },
  })
  const plugins = stage.startsWith("record:") ? [sealing, faulty, witness, staff] : [faulty, witness, staff]

  const app = createApp({
    config: {
      system: () => system,
      clock: () => clock,
      egress: createTestEgress,
      plugins: [...plugins, ...more],
      providers: [{ name: "fake", config: z.object({}), env: {}, create: () => provider }],
      stores: [memoryStorage],
      ledger: memoryLedger,
    },
    env: { WHATSAPP_PROVIDER: "fake", WHATSAPP_STORAGE: "memory" },
  })

  const house: Haunted = {
    app,
    clock,
    provider,
    log: system.log,
    misbehaviour: undefined,
    told,
    asked: () => asked,
    async start() {
      await app.start()
      await clock.settle()
    },
    async call(method, path, body, headers = {}) {
      const type = body === undefined ? {} : { "content-type": "application/json" }
      const request = new Request(`http://localhost/api/whatsapp${path}`, {
        method,
        headers: { ...type, ...headers },
        ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      })
      return read(await app.fetch(request, { remoteAddress: "127.0.0.1" }))
    },
    async callWhile(ms, ...request) {
      const answer = house.call(...request)
      await clock.advance(ms)
      return answer
    },
    async connect(company) {
      const begun = house.call("POST", `/sessions/${company}/initialize`, {})
      await clock.settle()
      provider.line(company).qr("2@qr")
      await begun
      await provider.line(company).link()
      await clock.advance(1)
      await provider.line(company).open()
      await clock.settle()
    },
    async stop() {
      house.misbehaviour = undefined
      const stopped = app.stop()
      await clock.advance(20_000)
      await stopped
    },
  }
  return house
}

/** Who the house needs to run: somebody to let callers in, to verify, to refuse, and to show what has been checked. */
const staff = definePlugin({
  name: "staff",
  description: "Lets everybody in but one",
  setup({ on, reject, route, healthChecks, background }) {
    on("request:identify", () => principal)
    on("webhook:verify", ({ headers }) => ({ scheme: "test", id: headers.get("webhook-id"), rememberMs: 60_000 }))
    on("message:block", ({ person }) => (person.phone === BLOCKED ? reject("FORBIDDEN") : undefined))
    const about = { scope: "read", company: "none", summary: "For tests", tag: "Tests", responses: {} } as const
    route({
      spec: { ...about, method: "get", path: "/api/whatsapp/checks" },
      handle: async () => ({ data: await healthChecks() }),
    })
    route({
      spec: { ...about, method: "post", path: "/api/whatsapp/break" },
      handle() {
        background("job", () => Promise.reject(new Error("The job is done for")))
        return {}
      },
    })
  },
})

/** Seals by turning every bit over. */
const sealing = definePlugin({
  name: "sealing",
  description: "Seals what is stored",
  setup({ on, records }) {
    const flip = (record: Uint8Array): Uint8Array => record.map((byte) => byte ^ 0xff)
    on("record:seal", (plain) =>
      plain.map((record) => Uint8Array.from([...new Uint8Array(SEALED_ROOM + KEY_ID_BYTES), ...flip(record)])),
    )
    on("record:open", (sealed) => sealed.map((record) => flip(record.subarray(KEY_ID_BYTES))))
    on("record:name", (names) => names.map((name) => createHash("sha256").update(name).digest("hex")))
    records.seal(["credentials", "messages"])
  },
})
