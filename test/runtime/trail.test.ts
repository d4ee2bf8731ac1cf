import { createHmac } from "node:crypto"
import { afterEach, describe, expect, test } from "vitest"
import { until } from "../support/platform.ts"
import { dataOf, openStage, type Stage } from "./stage.ts"

const MINUTE = 60_000
const WAIT_MS = 30_000
const CONTACT = "79167770021"
const SECRET = "secret-of-another-system-that-calls"

interface Line {
  readonly msg: string
  readonly company?: string
  readonly requestId?: string
  readonly messageId?: string
  readonly batchId?: string
  readonly state?: string
  readonly code?: string
}

let stage: Stage | undefined
afterEach(async () => {
  await stage?.close()
  stage = undefined
})

/** What was logged about it, in order: the sentences. */
const steps = (lines: readonly Line[], id: { readonly [K in keyof Line]?: string }): string[] =>
  lines
    .filter((line) => Object.entries(id).every(([name, value]) => line[name as keyof Line] === value))
    .map(({ msg }) => msg)

describe("The log at debug", () => {
  test("follows a message by its id and by its request's through every step, and on in the next process", {
    timeout: 2 * MINUTE,
  }, async () => {
    const lines: Line[] = []
    const output = (line: string): void => {
      if (line.startsWith("{")) lines.push(JSON.parse(line) as Line)
    }
    const env = { WHATSAPP_LOG_LEVEL: "debug", WHATSAPP_RECONNECT_DELAY: "100", WHATSAPP_WEBHOOK_SECRET: SECRET }
    stage = await openStage({ env, output })
    const here = stage
    const contact = await here.sandbox.phone(CONTACT, { read: true })
    const [company] = await here.link(1)
    if (company === undefined) throw new Error("no company")
    const { id } = company
    const told = (sentence: string, about: { readonly [K in keyof Line]?: string }) =>
      until(`${sentence} is logged`, WAIT_MS, async () => steps(lines, about).includes(sentence) || undefined)
    const post = (path: string, body: unknown, requestId: string, headers: Record<string, string> = {}) =>
      here.platform.call("POST", `/api/whatsapp${path}`, body, { "x-request-id": requestId, ...headers })
    const idOf = (answer: Parameters<typeof dataOf>[0]): string => dataOf<{ messageId: string }>(answer).messageId

    // One that goes out at once.
    const direct = idOf(await post("/send", { companyId: id, phone: CONTACT, message: "direct" }, "trail-1"))
    await told("Message read", { messageId: direct })
    const out = [
      "Message accepted",
      "Message tried",
      "Message answered",
      "Message sent",
      "Message delivered",
      "Message read",
    ]
    expect(steps(lines, { messageId: direct, company: id, requestId: "trail-1" })).toEqual(out)
    expect(steps(lines, { messageId: direct })).toEqual(out)
    const whole = steps(lines, { requestId: "trail-1" })
    expect(whole.filter((step) => !step.startsWith("Request"))).toEqual(out)
    expect(whole[0]).toBe("Request let in")
    expect(whole.filter((step) => step === "Request")).toHaveLength(1)

    // One of a signed call, its repeat, and one of a batch.
    const body = JSON.stringify({ type: "message.send", data: { phone: CONTACT, message: "signed" } })
    const signature = `sha256=${createHmac("sha256", SECRET).update(body).digest("hex")}`
    const call = (requestId: string) =>
      post(`/webhooks/${id}`, JSON.parse(body), requestId, { "x-hub-signature-256": signature })
    const signed = idOf(await call("trail-2"))
    expect(steps(lines, { requestId: "trail-2" }).slice(0, 4)).toEqual([
      ...["Request let in", "Signed call let in", "Message accepted", "Message tried"],
    ])
    await call("trail-3")
    expect(steps(lines, { requestId: "trail-3", messageId: signed })).toEqual(["Signed call repeated"])
    const messages = [
      { phone: CONTACT, message: "batched" },
      { phone: "no phone", message: "refused" },
    ]
    const batch = await post("/send/batch", { companyId: id, messages }, "trail-4")
    const { batchId } = dataOf<{ batchId: string }>(batch)
    expect(steps(lines, { batchId, requestId: "trail-4", company: id }).sort()).toEqual([
      ...["A message of a batch was refused", "Batch accepted", "Message accepted"],
    ])

    // One that comes.
    await contact.send(company.number, "heard")
    await told("Message stored", { company: id })
    const heard = lines.find(({ msg }) => msg === "Message stored")?.messageId ?? ""
    expect(steps(lines, { messageId: heard, company: id })).toEqual(["Message heard", "Message stored"])

    // One that waits for its line, and for the next process.
    const fault = await here.sandbox.fault({ kind: "refuse-login", line: company.number, code: 503 })
    await here.sandbox.line(company.number).cut()
    await until("the line is away", WAIT_MS, async () => {
      const { body: shown } = await here.platform.call("GET", `/api/whatsapp/sessions/${id}`)
      return dataOf<{ connected: boolean }>({ body: shown } as never).connected ? undefined : true
    })
    const waiting = idOf(await post("/send", { companyId: id, phone: CONTACT, message: "waiting" }, "trail-5"))
    await here.platform.kill()
    expect(steps(lines, { messageId: waiting })).toEqual(["Message accepted"])
    expect(lines.find(({ messageId }) => messageId === waiting)?.state).toBe("heals")
    await fault.clear()
    await here.start()
    await told("Message read", { messageId: waiting })
    expect(steps(lines, { messageId: waiting, company: id, requestId: "trail-5" })).toEqual([
      ...[out[0], "Message taken from the outbox", ...out.slice(1)],
    ])
  })
})
