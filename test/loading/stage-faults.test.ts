import { afterEach, describe, expect, it } from "vitest"
import { hookTable } from "../../core/loading/hook-table.ts"
import type { CoreHookMap } from "../../core/plugin.ts"
import type { InboundMessage } from "../../core/provider.ts"
import type { Answer } from "../http/harness.ts"
import { BLOCKED, type Haunted, misbehaviours, openHaunted, SECRET } from "./haunted.ts"

/**
 * A plugin that throws, hangs or answers wrongly at each stage of the house, as it looks from outside. Every stage of the
 * table has its scene: one that is added needs one, or this file does not compile.
 */

type Stage = keyof CoreHookMap
type StageOf<K> = { [N in Stage]: CoreHookMap[N]["kind"] extends K ? N : never }[Stage]

/** Longer than the deadline of any stage that somebody waits for, and than that of observers. */
const ANSWER_MS = 2_000
const OBSERVE_MS = 30_000
const PHONE = "79001234567"

const send = (house: Haunted, more: object = {}, ms = 0): Promise<Answer> =>
  house.callWhile(ms, "POST", "/send", { companyId: "salon-1", phone: PHONE, message: "hello", ...more })
const messages = async (house: Haunted): Promise<readonly Record<string, unknown>[]> =>
  (await house.call("GET", "/messages/salon-1")).json.data as never
const webhook = (house: Haunted, id: string, ms = 0): Promise<Answer> => {
  const body = { type: "message.send", data: { phone: PHONE, message: "hello" } }
  const answer = house.call("POST", "/webhooks/salon-1", body, { "webhook-id": id })
  return house.clock.advance(ms).then(() => answer)
}
const inbound = (text: string, more: Partial<InboundMessage> = {}): InboundMessage => ({
  chat: { kind: "person", phone: PHONE, lid: null },
  sender: { phone: PHONE, lid: null },
  fromMe: false,
  wireId: `WIRE-${text}`,
  at: 1_000,
  pushName: null,
  content: { type: "text", text },
  wire: Uint8Array.of(1),
  offline: false,
  ...more,
})

let open: Haunted[] = []
afterEach(async () => {
  await Promise.all(open.map((house) => house.stop()))
  open = []
})

async function haunted(stage: Stage, company: "connected" | "none" = "connected"): Promise<Haunted> {
  const house = openHaunted(stage)
  open.push(house)
  await house.start()
  if (company === "connected") await house.connect("salon-1")
  return house
}

/** Stages at which a fault closes: what was asked for is refused, and nothing of it is left. */
interface ClosedScene {
  /** What the caller asks for, and how long that may take. */
  ask(house: Haunted, ms: number, turn: number): Promise<Answer>
  readonly status: number
  /** What must not be there afterwards. */
  traces?(house: Haunted): unknown
}

const sent = {
  ask: (house: Haunted, ms: number) => send(house, {}, ms),
  status: 200,
  async traces(house: Haunted) {
    const { misbehaviour } = house
    house.misbehaviour = undefined
    const stored = await messages(house)
    house.misbehaviour = misbehaviour
    return { stored, sent: house.provider.line("salon-1").sent.map(({ id }) => id) }
  },
}

/** No call from outside waits for the others; what they do is in their own tests. */
type Asked = Exclude<StageOf<"guard" | "first" | "transform">, "outbox:hold" | "webhook:sign">

const closed: { readonly [N in Asked]: ClosedScene } = {
  "request:identify": { ask: (house, ms) => house.callWhile(ms, "GET", "/sessions"), status: 200 },
  "company:validate": { ask: (house, ms) => house.callWhile(ms, "GET", "/sessions/salon-1"), status: 200 },
  "session:start": {
    async ask(house, ms) {
      house.provider.onConnect = (line) => queueMicrotask(() => line.qr("2@qr"))
      return house.callWhile(ms, "POST", "/sessions/salon-2/initialize", {})
    },
    status: 200,
    traces: (house) => house.provider.connections.filter(({ company }) => company === "salon-2").length,
  },
  "message:prepare": sent,
  "message:validate": sent,
  "message:address": sent,
  "message:block": sent,
  "message:limit": sent,
  "record:seal": sent,
  "record:name": { ...sent, ask: (house, ms, turn) => send(house, { phone: `7900123456${turn}` }, ms) },
  // Records that do not open together are opened one by one, to tell which it is.
  "record:open": { ask: (house, ms) => house.callWhile(5 * ms, "GET", "/messages/salon-1"), status: 200 },
  "webhook:verify": { ...sent, ask: (house, ms, turn) => webhook(house, `call-${turn}`, ms) },
}

describe.each(Object.entries(closed))("at %s", (name, scene) => {
  const stage = name as keyof typeof closed
  it.each(misbehaviours)(
    "a plugin that %s closes: 503 without its words, nothing is left, and others go on",
    async (how) => {
      const house = await haunted(stage)
      if (stage === "record:open") await send(house)
      const before = await scene.traces?.(house)
      const asked = house.asked()
      house.misbehaviour = how

      const refused = await scene.ask(house, ANSWER_MS, 1)
      expect(refused).toMatchObject({
        status: 503,
        json: { success: false, error: { code: "PLUGIN_FAULT", isRetryable: true } },
      })
      expect(refused.text).not.toContain(SECRET)
      expect(refused.text).not.toContain("faulty")
      await house.clock.settle()
      expect(await scene.traces?.(house)).toEqual(before)
      // What was sealed in order is opened in reverse, and whoever stands behind comes first.
      if (stage !== "record:open") expect(house.asked()).toBe(asked)
      expect(house.told[0]?.slice(0, 2)).toEqual(["faulty", stage])
      expect(house.log.lines.filter(({ level }) => level === "error")).toContainEqual(
        expect.objectContaining({
          message: "A plugin failed",
          fields: expect.objectContaining({ plugin: "faulty", hook: stage }),
        }),
      )

      house.misbehaviour = undefined
      expect((await scene.ask(house, 0, 2)).status).toBe(scene.status)
      expect(house.asked()).toBeGreaterThan(asked)
    },
  )
})

describe("at outbox:hold", () => {
  it.each(misbehaviours)(
    "a plugin that %s keeps the message in the queue, from where it goes out once",
    async (how) => {
      const house = await haunted("outbox:hold")
      house.misbehaviour = how
      const answer = await send(house, {}, 20_000)
      expect(answer).toMatchObject({ status: 202, json: { data: { status: "queued" } } })
      expect(house.provider.line("salon-1").sent).toEqual([])
      expect(house.told[0]?.slice(0, 2)).toEqual(["faulty", "outbox:hold"])
      house.misbehaviour = undefined
      await house.clock.advance(120_000)
      expect(house.provider.line("salon-1").sent).toHaveLength(1)
      expect(await messages(house)).toMatchObject([{ status: "sent" }])
    },
  )
})

describe("at message:block, of what comes in", () => {
  it.each(misbehaviours)(
    "a plugin that %s has the message held under its name, shown to nobody else, never dropped",
    async (how) => {
      const house = await haunted("message:block")
      house.misbehaviour = how
      const { intake } = house.provider.line("salon-1").input
      const stored = intake.message(inbound("first"))
      await house.clock.advance(ANSWER_MS)
      await stored
      house.misbehaviour = undefined
      await intake.message(inbound("second"))
      const [second, first] = await messages(house)
      expect(second).toMatchObject({ message: "second", error: null })
      expect(first).toMatchObject({ message: "first", error: { code: "PLUGIN_FAULT", details: { plugin: "faulty" } } })
      const { json } = await house.call("GET", "/events/salon-1")
      const received = (json.data as unknown as { type: string; data: object }[]).filter(
        ({ type }) => type === "message.received",
      )
      expect(received).toEqual([expect.objectContaining({ data: expect.objectContaining({ message: "second" }) })])
    },
  )
})

describe("at health:check", () => {
  it.each(misbehaviours)("of a plugin that %s the item is a failed one, and all others are there", async (how) => {
    const house = await haunted("health:check", "none")
    house.misbehaviour = how
    const { status, json, text } = await house.callWhile(ANSWER_MS, "GET", "/checks")
    expect(status).toBe(200)
    expect(json.data).toMatchObject({ faulty: { ok: false }, witness: { ok: true }, stores: { ok: true } })
    expect(text).not.toContain(SECRET)
    await house.clock.settle()
    expect(house.told[0]?.slice(0, 2)).toEqual(["faulty", "health:check"])
  })
})

/** Stages that are told of something after the fact: what brings it about goes as if nobody listened. */
type Scene = (house: Haunted, turn: number) => Promise<void>

const expectStatus = async (status: number, answer: Promise<Answer>): Promise<void> => {
  expect((await answer).status).toBe(status)
}
const observed: { readonly [N in Exclude<StageOf<"observe">, "app:ready" | "app:closing">]: Scene } = {
  "message:accepted": (house) => expectStatus(200, send(house)),
  "message:sent": (house) => expectStatus(200, send(house)),
  async "message:status"(house) {
    const { json } = await send(house)
    const chat = { kind: "person", phone: PHONE, lid: null } as const
    const wireIds = [String(json.data.messageId)]
    await house.provider.line("salon-1").input.intake.receipt({ chat, wireIds, status: "read", at: house.clock.now() })
  },
  async "message:failed"(house) {
    house.provider.policy = () => ({ outcome: "refused", code: "479", reason: "No" })
    await expectStatus(502, send(house))
  },
  "message:received": (house, turn) => house.provider.line("salon-1").input.intake.message(inbound(`number ${turn}`)),
  "message:rejected": (house) => expectStatus(403, send(house, { phone: BLOCKED })),
  "session:status": (house) => expectStatus(200, house.call("POST", "/sessions/salon-1/restart")),
  async "session:pairing"(house, turn) {
    house.provider.onConnect = (line) => queueMicrotask(() => line.qr("2@qr"))
    await expectStatus(200, house.call("POST", `/sessions/salon-${turn + 1}/initialize`, {}))
  },
  "webhook:received": (house, turn) => expectStatus(200, webhook(house, `call-${turn}`)),
  async "company:erased"(house) {
    await expectStatus(201, house.call("PUT", "/companies/salon-3", {}))
    await expectStatus(200, house.call("DELETE", "/companies/salon-3"))
  },
  async "company:imported"(house) {
    const { text } = await house.call("GET", "/companies/salon-1/export")
    await house.call("POST", "/sessions/salon-1/disconnect")
    const headers = { "content-type": "application/x-ndjson" }
    await expectStatus(200, house.call("POST", "/companies/salon-1/import?force=true", text, headers))
  },
  "plugin:fault": (house) => expectStatus(200, house.call("POST", "/break", {})),
}

describe.each(Object.entries(observed))("at %s", (name, scene) => {
  const stage = name as keyof typeof observed
  it.each(misbehaviours)(
    "a plugin that %s harms nobody: the caller, the next observer, and whatever comes later",
    async (how) => {
      const house = await haunted(stage)
      const asked = house.asked()
      house.misbehaviour = how
      await scene(house, 1)
      await house.clock.advance(OBSERVE_MS)
      const after = house.asked()
      expect(after).toBeGreaterThan(asked)
      // What an observer returns is nobody's business, and a fault in hearing of faults is only logged.
      const wanted = how === "answers wrongly" || stage === "plugin:fault" ? [] : [["faulty", stage]]
      expect(house.told.slice(0, 1).map((fault) => fault.slice(0, 2))).toEqual(wanted)
      const logged = house.log.lines.filter(({ fields }) => fields.plugin === "faulty" && fields.hook === stage)
      expect(logged.length > 0).toBe(how !== "answers wrongly")
      house.misbehaviour = undefined
      await scene(house, 2)
      await house.clock.settle()
      expect(house.asked()).toBeGreaterThan(after)
    },
  )
})

describe("at app:ready and app:closing", () => {
  it.each(misbehaviours)("a plugin that %s keeps the server neither from starting nor from stopping", async (how) => {
    const starting = openHaunted("app:ready")
    open.push(starting)
    starting.misbehaviour = how
    await starting.start()
    await starting.clock.advance(OBSERVE_MS)
    expect(starting.asked()).toBe(1)
    expect((await starting.call("GET", "/sessions")).status).toBe(200)

    const closing = await haunted("app:closing", "none")
    closing.misbehaviour = how
    const stopped = closing.app.stop()
    await closing.clock.advance(10_000)
    await stopped
    expect(closing.asked()).toBe(1)
    expect((await closing.call("GET", "/sessions")).json.error.code).toBe("SHUTTING_DOWN")
  })
})

it("every stage of the house has its scene", () => {
  const scenes = [...Object.keys(closed), ...Object.keys(observed)]
  const special = ["outbox:hold", "webhook:sign", "message:diagnose", "health:check", "app:ready", "app:closing"]
  expect([...scenes, ...special].sort()).toEqual(Object.keys(hookTable).sort())
})
