import { EventEmitter } from "node:events"
import type { BinaryNode, ConnectionState, WASocket } from "@whiskeysockets/baileys"
import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { Ending } from "../../adapters/provider/baileys/connection.ts"
import { createCredentials } from "../../adapters/provider/baileys/creds.ts"
import { createEndurance } from "../../adapters/provider/baileys/endurance.ts"
import { createGroupCache } from "../../adapters/provider/baileys/group-cache.ts"
import type { Line } from "../../adapters/provider/baileys/line.ts"
import { createLineStore } from "../../adapters/provider/baileys/line-store.ts"
import { loadBaileys, type Library } from "../../adapters/provider/baileys/load-baileys.ts"
import { createPreKeys } from "../../adapters/provider/baileys/pre-keys.ts"
import { sweepQueries } from "../../adapters/provider/baileys/query-sweep.ts"
import { wire } from "../../adapters/provider/baileys/wiring.ts"
import type { ProviderEvent } from "../../core/provider.ts"
import type { Restriction } from "../../core/types.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import { createTestStore, realClock, type TestStore } from "./support.ts"

/** What the library says that the sandbox has no way to make it say: its two emitters are driven by hand. */

let library: Library
let ws: EventEmitter
let ev: EventEmitter
let events: ProviderEvent[]
let endings: Ending[]
let restrictions: (Restriction | null)[]
let log: TestLog
let store: TestStore
/** IQs asked through the socket, and what they are answered. */
let asked: BinaryNode[]
let answer: (question: BinaryNode) => BinaryNode
let acknowledged: BinaryNode[]

beforeAll(async () => {
  library = await loadBaileys()
})
beforeEach(() => {
  ;[ws, ev] = [new EventEmitter(), new EventEmitter()]
  ;[events, endings, restrictions, asked, acknowledged] = [[], [], [], [], []]
  answer = (question) => ({ tag: "iq", attrs: { id: question.attrs["id"] ?? "" } })
  log = createTestLog()
  store = createTestStore()
})

function start(): Line {
  const never = (): void => undefined
  const endurance = createEndurance({ clock: realClock, log, limitMs: 1000, onExhausted: never, onHopeless: never })
  const lineStore = createLineStore(store, endurance)
  const credentials = createCredentials(library.initAuthCreds(), lineStore)
  const keys = {
    get: async (type: string, ids: string[]) => Object.fromEntries(await lineStore.load(type, ids)),
    set: async (data: Record<string, Record<string, unknown>>) => {
      const ids = Object.keys(data["pre-key"] ?? {})
      await lineStore.write({ "pre-key": Object.fromEntries(ids.map((id) => [id, Uint8Array.of(1)])) })
    },
  }
  Object.assign(ws, { isOpen: true })
  let tag = 0
  const fake: Record<string, unknown> = {
    ws,
    ev,
    authState: { keys },
    generateMessageTag: () => String(tag++),
    query: async (question: BinaryNode) => {
      asked.push(question)
      return answer(question)
    },
    sendMessageAck: async (stanza: BinaryNode) => void acknowledged.push(stanza),
  }
  const sock = fake as unknown as WASocket
  const quiet = { note: never, acknowledge: never, offered: never, drawn: never }
  const parts: Record<string, unknown> = {
    sock,
    credentials,
    sender: quiet,
    pairing: quiet,
    receiver: quiet,
    receipts: quiet,
    groups: createGroupCache(realClock),
    preKeys: createPreKeys({ library, sock, credentials, log }),
  }
  const line = parts as unknown as Line
  wire({
    line,
    clock: realClock,
    log,
    emit: (event) => events.push(event),
    end: (how) => endings.push(how),
    waiting: never,
    arrived: never,
    linked: never,
    restricted: (restriction) => restrictions.push(restriction),
  })
  return line
}

describe("what the library tells", () => {
  test("of a call goes on with both names of the caller", () => {
    start()
    const date = new Date(1_700_000_000_000)
    const call = { chatId: "x", from: "555:3@lid", callerPn: "491701@s.whatsapp.net", id: "C1", date, status: "offer" }
    ev.emit("call", [call, { ...call, from: "nobody@newsletter", callerPn: undefined }])
    const from = { phone: "491701", lid: "555" }
    expect(events).toEqual([{ type: "call", from, callId: "C1", at: date.getTime(), status: "offer" }])
  })

  test("of a restriction goes on with its end, and its lifting too", () => {
    start()
    const until = new Date(1_800_000_000_000)
    const update = (lock: ConnectionState["reachoutTimeLock"]) =>
      ev.emit("connection.update", { reachoutTimeLock: lock })
    update({ isActive: true, timeEnforcementEnds: until })
    update({ isActive: true })
    update({ isActive: false })
    expect(restrictions).toEqual([
      { kind: "new-chats", until: until.getTime() },
      { kind: "new-chats", until: null },
      null,
    ])
  })

  test("of its end with a bare number is understood", () => {
    start()
    ev.emit("connection.update", { connection: "close", lastDisconnect: { error: 1006, date: new Date() } })
    expect(endings).toMatchObject([{ reason: "unreachable", code: 1006 }])
  })
})

describe("an event that nobody hears", () => {
  test("is not even collected", () => {
    start()
    const emitted: string[] = []
    ev.on("messages.upsert", () => emitted.push("messages.upsert"))
    ev.on("lid-mapping.update", () => emitted.push("lid-mapping.update"))
    ev.emit("messages.upsert", { messages: [], type: "notify" })
    ev.emit("lid-mapping.update", { lid: "555@lid", pn: "491701@s.whatsapp.net" })
    expect(emitted).toEqual(["lid-mapping.update"])
  })
})

describe("a listener of the library", () => {
  test("that rejects does not end the process; bytes that cannot be opened end the line", async () => {
    const rejecting = (words: string) => (): unknown => Promise.reject(new Error(words))
    ws.on("CB:ib,,dirty", rejecting("not handled by the library"))
    ws.on("message", rejecting("Unsupported state or unable to authenticate data"))
    start()
    ws.emit("CB:ib,,dirty", { tag: "ib", attrs: {} })
    await realClock.sleep(5)
    expect(endings).toEqual([])
    expect(log.text()).toContain("not handled by the library")
    ws.emit("message", Buffer.from("garbage"))
    await realClock.sleep(5)
    expect(endings).toMatchObject([{ reason: "unreachable" }])
  })
})

describe("one-time keys", () => {
  const count = (left: number) => (question: BinaryNode) => ({
    tag: "iq",
    attrs: { id: question.attrs["id"] ?? "" },
    content: [{ tag: "count", attrs: { value: String(left) } }],
  })
  const handedIn = () => {
    const upload = asked.find(({ attrs, content }) => attrs["type"] === "set" && Array.isArray(content))
    const list = upload && library.getBinaryNodeChild(upload, "list")
    return Array.isArray(list?.content) ? list.content.length : 0
  }
  const stored = () => [...store.records.keys()].filter((key) => key.startsWith("pre-key ")).length

  test.each([
    [0, 812],
    [3, 100],
    [400, 0],
  ])("%i left: %i are handed in before the library logs in, durable by then", async (left, expected) => {
    const order: string[] = []
    ws.on("CB:success", () => order.push(`login after ${handedIn()}`))
    const line = start()
    answer = (question) => {
      if (question.attrs["type"] === "set") order.push(`handed in with ${stored()} stored`)
      return count(left)(question)
    }
    ws.emit("CB:success", { tag: "success", attrs: {} })
    await expect.poll(() => order.at(-1)).toBe(`login after ${expected}`)
    expect(order).toHaveLength(expected === 0 ? 1 : 2)
    if (expected > 0) expect(order[0]).toBe(`handed in with ${expected} stored`)
    expect(line.credentials.creds.nextPreKeyId).toBe(expected + 1)
  })

  test("that WhatsApp did not take are handed in the next time, not replaced by as many new ones", async () => {
    let refuse = true
    let logins = 0
    ws.on("CB:success", () => logins++)
    start()
    answer = (question) => {
      if (question.attrs["type"] === "set" && refuse) throw new Error("internal-server-error")
      return count(0)(question)
    }
    for (const login of [1, 2]) {
      asked.length = 0
      ws.emit("CB:success", { tag: "success", attrs: {} })
      await expect.poll(() => logins).toBe(login)
      expect(handedIn()).toBe(812)
      expect(stored()).toBe(812)
      refuse = false
    }
  })

  test("are handed in when WhatsApp says that they run low, and the notice is acknowledged", async () => {
    let seen = 0
    ws.on("CB:notification", () => seen++)
    start()
    answer = count(2)
    const children: BinaryNode[] = [{ tag: "count", attrs: { value: "2" } }]
    const notice = {
      tag: "notification",
      attrs: { id: "N", type: "encrypt", from: "@s.whatsapp.net" },
      content: children,
    }
    ws.emit("CB:notification", notice)
    await expect.poll(() => acknowledged).toEqual([notice])
    expect(handedIn()).toBe(100)
    // Kept from the library, whose own upload would leave a timer behind.
    expect(seen).toBe(0)
    ws.emit("CB:notification", { tag: "notification", attrs: { type: "encrypt", from: "555@lid" } })
    expect(seen).toBe(1)
  })
})

describe("a question that WhatsApp never answers", () => {
  test("ends without an answer after at most a minute", async () => {
    const clock = createTestClock()
    const answers: unknown[] = []
    const sweep = sweepQueries(ws as unknown as WASocket["ws"], clock)
    ws.once("TAG:1", (node) => answers.push(node))
    await clock.advance(30_000)
    expect(answers).toEqual([])
    await clock.advance(30_000)
    expect(answers).toEqual([undefined])
    sweep.cancel()
    expect(clock.armed).toBe(0)
  })
})
