import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { WebSocket } from "ws"
import { createBareClient, type BareClient } from "./bare-client.ts"
import { startSandbox, type FaultSpec, type Sandbox, type SandboxLine, type SandboxPhone } from "./index.ts"

let sandbox: Sandbox
let company: SandboxPhone
let ann: SandboxPhone
let line: SandboxLine
let bare: BareClient
let nextNumber = 15553000

const FAST = { connectTimeoutMs: 800, defaultQueryTimeoutMs: 800, keepAliveIntervalMs: 1000 }

beforeAll(async () => {
  // libsignal prints whole sessions in the client's process too.
  console.info = console.warn = console.error = () => undefined
  sandbox = await startSandbox()
})
beforeEach(async () => {
  company = await sandbox.phone(String(nextNumber++), { name: "Acme" })
  ann = await sandbox.phone(String(nextNumber++), { name: "Ann" })
  line = sandbox.line(company.number)
  bare = createBareClient(sandbox.url, FAST)
  bare.connect()
  await company.link(await bare.until("a QR code", () => bare.qrs[0]))
  await bare.opened()
  await bare.synced()
  bare.closes.length = 0
})
afterEach(async () => {
  await sandbox.clearFaults()
  bare.end()
})
afterAll(() => sandbox.stop())

function fault(spec: FaultSpec) {
  return sandbox.fault({ line: company.number, ...spec })
}

async function disconnect(): Promise<void> {
  bare.end()
  await line.waitFor({ connected: false })
  await bare.until("the close", () => bare.state() === "close")
  bare.closes.length = 0
}

function closedWith(code: number, ms?: number): Promise<true> {
  return bare.until(`close ${code}`, () => bare.closes[0] === code || undefined, ms)
}

async function send(text: string): Promise<string> {
  const sent = await bare.socket.sendMessage(`${ann.number}@s.whatsapp.net`, { text })
  return sent?.key.id ?? ""
}

function status(id: string, least: number): Promise<true> {
  return bare.until(`status ${least}`, () => (bare.statuses.get(id)?.status ?? -1) >= least || undefined)
}

function acknowledged(id: string): Promise<Record<string, string>> {
  return new Promise((resolve) => {
    bare.socket.ws.on("CB:ack,class:message", (node: { attrs: Record<string, string> }) => {
      if (node.attrs.id === id) resolve(node.attrs)
    })
  })
}

describe("connecting", () => {
  test("an upgrade is refused with the HTTP status asked for, as often as asked for", async () => {
    const armed = await sandbox.fault({ kind: "refuse-upgrade", code: 502, count: 2 })
    const attempt = () =>
      new Promise<number>((resolve) => {
        const socket = new WebSocket(sandbox.url)
        socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0))
        socket.on("open", () => resolve(101))
        socket.on("open", () => socket.terminate())
      })
    expect([await attempt(), await attempt(), await attempt()]).toEqual([502, 502, 101])
    expect(await armed.now()).toMatchObject({ hits: 2, left: 0 })
    expect((await sandbox.totals()).upgradesRefused).toBe(2)
  })

  test("a handshake is never answered", async () => {
    await disconnect()
    await sandbox.fault({ kind: "silent-handshake", count: 1 })
    bare.connect()
    await closedWith(408)
  })

  test("a connection is cut before the handshake", async () => {
    await disconnect()
    await sandbox.fault({ kind: "cut-handshake", count: 1 })
    bare.connect()
    await closedWith(428)
  })

  test.each([401, 402, 403, 405, 406, 411, 500, 503])("a login is refused with reason %i", async (code) => {
    await disconnect()
    await fault({ kind: "refuse-login", code, count: 1 })
    bare.connect()
    await closedWith(code)
    const { loginAttempts, loginsAccepted, logins } = await line.view()
    expect([loginAttempts, loginsAccepted]).toEqual([2, 1])
    expect(logins.at(-1)?.outcome).toBe(`failure ${code}`)
  })

  test("a client that wants to be linked is refused too, when no line is named", async () => {
    await sandbox.fault({ kind: "refuse-login", code: 405 })
    const stranger = createBareClient(sandbox.url, FAST)
    stranger.connect()
    await stranger.until("the refusal", () => stranger.closes[0] === 405 || undefined)
  })

  test("logins are refused for a while, then no more", async () => {
    await disconnect()
    const armed = await fault({ kind: "refuse-login", forMs: 400 })
    for (let attempts = 1; bare.state() !== "open"; attempts++) {
      bare.connect()
      await bare.until("an outcome", () => bare.state() === "open" || bare.closes.length === attempts)
    }
    expect(Date.now()).toBeGreaterThanOrEqual(armed.until ?? 0)
    expect(new Set(bare.closes)).toEqual(new Set([503]))
    expect((await armed.now()).hits).toBe(bare.closes.length)
  })

  test.each([
    [{ code: 503 }, 503],
    [{ code: 500 }, 500],
    [{ conflict: "replaced" }, 440],
    [{ code: 401, conflict: "device_removed" }, 401],
    [{}, 500],
  ])("a login ends in the stream error %o", async (error, code) => {
    await disconnect()
    await fault({ kind: "stream-error-at-login", count: 1, ...error })
    bare.connect()
    await closedWith(code)
  })

  test("a login is never answered", async () => {
    await disconnect()
    await fault({ kind: "silent-login", count: 1 })
    bare.connect()
    const { loginsAccepted, logins } = await line.waitFor({ loginAttempts: 2 })
    expect([loginsAccepted, logins.at(-1)?.outcome]).toEqual([1, "no answer"])
    await expect(bare.until("an answer", () => bare.state() !== "connecting", 500)).rejects.toThrow("connecting")
  })
})

describe("a connection that stands", () => {
  test("is cut", async () => {
    await line.cut()
    await closedWith(428)
  })

  test.each([
    [{ code: 515 }, 515],
    [{ code: 503 }, 503],
    [{ conflict: "replaced" }, 440],
    [{ code: 401, conflict: "device_removed" }, 401],
  ])("ends in the stream error %o", async (error, code) => {
    await line.streamError(error)
    await closedWith(code)
  })

  test("swallows what is sent, and breaks", async () => {
    await line.swallow(300)
    const id = await bare.socket
      .relayMessage(`${ann.number}@s.whatsapp.net`, { conversation: "lost" }, { messageId: "SWALLOWED" })
      .catch(() => "SWALLOWED")
    await closedWith(428)
    expect(await line.sent(id)).toEqual([])
    expect(await ann.messages()).toEqual([])
  })

  test("falls silent for a while; what came meanwhile is delivered afterwards", async () => {
    await line.mute(300)
    await ann.send(company.number, "while silent")
    await bare.until("the text", () => bare.texts().includes("while silent") || undefined)
    expect(bare.closes).toEqual([])
  })

  test("falls silent without breaking; the client notices by itself", async () => {
    await line.mute()
    await closedWith(408, 15_000)
  })
})

describe("sending", () => {
  test("an acknowledgement comes late", async () => {
    await send("first")
    await ann.waitFor({ text: "first" })
    await fault({ kind: "slow-ack", ms: 400, count: 1 })
    const id = "SLOW0001"
    const acked = acknowledged(id)
    const begun = Date.now()
    await bare.socket.sendMessage(`${ann.number}@s.whatsapp.net`, { text: "slow" }, { messageId: id })
    await ann.waitFor({ id })
    expect((await line.sent(id))[0]?.acked).toBe(false)
    await acked
    expect(Date.now() - begun).toBeGreaterThanOrEqual(390)
  })

  test("an acknowledgement never comes, though the phone has the text", async () => {
    await fault({ kind: "missing-ack", count: 1 })
    const id = await send("unacknowledged")
    await ann.waitFor({ id })
    const { messages, acks, withheldAcks } = await line.view()
    expect([messages, acks, withheldAcks]).toEqual([1, 0, 1])
  })

  test.each([463, 479])("a message is refused with %i and reaches nobody", async (code) => {
    await fault({ kind: "refuse-message", code, count: 1 })
    const id = await send("refused")
    await bare.until("the refusal", () => bare.statuses.get(id)?.error === String(code) || undefined)
    expect(await ann.messages({ id })).toEqual([])
    expect((await line.view()).refused).toBe(1)
    expect(await line.sent(id)).toMatchObject([{ id, acked: false, refused: true }])
  })

  test("a message is acknowledged and lost", async () => {
    await fault({ kind: "lose-message", count: 1 })
    const id = "LOST0001"
    const acked = acknowledged(id)
    await bare.socket.sendMessage(`${ann.number}@s.whatsapp.net`, { text: "lost" }, { messageId: id })
    expect((await acked).error).toBeUndefined()
    await send("next")
    await ann.waitFor({ text: "next" })
    expect(await ann.messages({ id })).toEqual([])
  })

  test("a message sent twice under one id is counted as a repeat", async () => {
    for (const text of ["once", "once"]) {
      await bare.socket.sendMessage(`${ann.number}@s.whatsapp.net`, { text }, { messageId: "TWICE001" })
    }
    expect(await ann.waitFor({ id: "TWICE001", times: 2 })).toMatchObject({ text: "once" })
    expect(await line.view()).toMatchObject({ messages: 2, messageIds: 1, repeats: 1 })
    expect((await ann.view()).counts).toMatchObject({ texts: 1, repeats: 1, undecryptable: 0 })
  })

  test("receipts are held back, and come late", async () => {
    await fault({ kind: "delay-receipts", ms: 500 })
    const id = await send("when did you get it")
    await ann.waitFor({ id })
    const begun = Date.now()
    await status(id, 3)
    expect(Date.now() - begun).toBeGreaterThan(300)
  })

  test("receipts never come", async () => {
    const armed = await fault({ kind: "drop-receipts" })
    const id = await send("did you get it")
    await ann.waitFor({ id })
    await send("and this")
    await ann.waitFor({ text: "and this" })
    expect(bare.statuses.get(id)?.status ?? 1).toBeLessThan(3)
    expect((await armed.now()).hits).toBeGreaterThan(0)
  })

  test("a phone that confirms nothing leaves the message unconfirmed", async () => {
    await ann.configure({ deliver: false })
    const id = await send("no receipt")
    await ann.waitFor({ id })
    expect((await line.view()).receiptsToLine).toBe(0)
  })
})

describe("receiving", () => {
  test("the offline queue is held back, and released", async () => {
    const armed = await fault({ kind: "hold-queue" })
    await ann.send(company.number, "held")
    await ann.send(company.number, "back")
    expect((await line.view()).devices[0]?.queued).toBe(2)
    expect(bare.texts()).toEqual([])
    await armed.clear()
    await bare.until("the held texts", () => bare.texts().length === 2 || undefined)
    expect(bare.texts()).toEqual(["held", "back"])
  })

  test("a message is delivered twice; the client refuses the second", async () => {
    await ann.send(company.number, "opens the session")
    await bare.until("the first text", () => bare.texts().includes("opens the session") || undefined)
    await fault({ kind: "duplicate", count: 1 })
    await ann.send(company.number, "twice")
    await line.waitFor({ nacks: 1 })
    expect(bare.texts().filter((text) => text === "twice")).toHaveLength(1)
  })

  test("a message that can never be read is asked for until the client gives up", async () => {
    await fault({ kind: "garble" })
    const { id } = await ann.send(company.number, "never readable")
    await line.waitFor({ retriesAsked: 5 })
    expect(bare.texts()).toEqual([])
    expect((await ann.sent(id)).retries).toBeGreaterThanOrEqual(4)
  })
})

describe("queries", () => {
  test("are never answered", async () => {
    const armed = await fault({ kind: "hang-iq", xmlns: "usync" })
    const begun = Date.now()
    await bare.socket.onWhatsApp(ann.number).catch(() => undefined)
    expect(Date.now() - begun).toBeGreaterThan(700)
    expect((await armed.now()).hits).toBe(1)
  })

  test("are refused", async () => {
    await fault({ kind: "refuse-iq", xmlns: "w:g2", code: 403 })
    await expect(bare.socket.groupMetadata("1@g.us")).rejects.toMatchObject({ data: 403 })
  })
})

test("a fault of one line leaves the others alone", async () => {
  await sandbox.fault({ kind: "refuse-message", line: "19999999" })
  const id = await send("not refused")
  await ann.waitFor({ id })
  await status(id, 3)
})

test("a fault that does not exist, or with a setting that does not, is an error", async () => {
  const wrong = { kind: "earthquake" } as unknown as FaultSpec
  await expect(sandbox.fault(wrong)).rejects.toMatchObject({ status: 400 })
  const misspelt = { kind: "slow-ack", milliseconds: 5 } as unknown as FaultSpec
  await expect(sandbox.fault(misspelt)).rejects.toThrow("milliseconds")
})
