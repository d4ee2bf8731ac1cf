import { describe, expect, it } from "vitest"
import { appError } from "../../core/errors.ts"
import type { Ledger } from "../../core/ledger.ts"
import { refuse } from "../../core/refusal.ts"
import type { Verified } from "../../core/stages.ts"
import type { Scope } from "../../core/types.ts"
import type { House, HouseOptions } from "./house.ts"
import { type Answer, openStoredWeb, openWeb, type Web, webOf } from "./web.ts"

const HOUR = 3_600_000
const DAY = 24 * HOUR
const SEND = { type: "message.send", data: { phone: "79001234567", message: "Hi" } }
const text = (house: House): string[] =>
  house.provider.line("acme").sent.map(({ wire }) => new TextDecoder().decode(wire))

/** Verifies whatever names itself signed, by the id that it brings; the signature itself is a plugin's matter. */
const verifier: NonNullable<HouseOptions["hooks"]> = (hooks) =>
  hooks.add("signed", "webhook:verify", ({ headers }): Verified | ReturnType<typeof refuse> => {
    const scheme = headers.get("x-scheme")
    if (scheme === null) return refuse("INVALID_SIGNATURE")
    const also = headers.get("x-also")
    return { scheme, id: headers.get("x-id"), rememberMs: DAY, ...(also !== null && { also: [also] }) }
  })

async function openSigned(options: HouseOptions = {}): Promise<Web> {
  const web = openWeb({
    ...options,
    hooks: (hooks) => {
      verifier(hooks)
      options.hooks?.(hooks)
    },
  })
  await web.house.connect("acme")
  return web
}

const call = (web: Web, id: string | null, body: unknown = SEND, headers: Record<string, string> = {}, to = "acme") =>
  web.call("POST", `/webhooks/${to}`, body, { "x-scheme": "test", ...(id !== null && { "x-id": id }), ...headers })

const outcome = ({ status, json }: Answer) => [status, json.error?.code ?? json.data]

describe("a call from another system", () => {
  it("that nobody verifies, or that is not genuine, is refused whoever makes it", async () => {
    const web = openWeb()
    await web.house.connect("acme")
    expect(outcome(await call(web, "1"))).toEqual([401, "INVALID_SIGNATURE"])
    const verified = await openSigned()
    const unsigned = await verified.call("POST", "/webhooks/acme", SEND, { "x-api-key": "admin" })
    expect(outcome(unsigned)).toEqual([401, "INVALID_SIGNATURE"])
    expect([...text(web.house), ...text(verified.house)]).toEqual([])
  })

  it("is refused when its verifier fails", async () => {
    const web = openWeb({
      hooks: (hooks) =>
        hooks.add("broken", "webhook:verify", () => {
          throw new Error("no")
        }),
    })
    expect(outcome(await call(web, "1"))).toEqual([503, "PLUGIN_FAULT"])
  })

  it("sends a message like every other send", async () => {
    const web = await openSigned()
    const answer = await call(web, "1")
    expect(answer).toMatchObject({
      status: 200,
      json: { data: { companyId: "acme", to: "79001234567", status: "sent" } },
    })
    expect(text(web.house)).toEqual(["Hi"])
    const later = await call(web, "2", SEND, { prefer: "respond-async" })
    expect(later).toMatchObject({ status: 202, json: { data: { status: "queued" } } })
  })

  it("passes all that a send passes: prepared, valid, not blocked, within limits, on a line that is there", async () => {
    const stages: string[] = []
    const web = await openSigned({
      hooks(hooks) {
        hooks.add("own", "message:prepare", (draft) => (stages.push("prepare"), draft))
        hooks.add("own", "message:validate", () => void stages.push("validate"))
        hooks.add("own", "message:block", ({ direction }) => void stages.push(`block ${direction}`))
        hooks.add("own", "message:limit", ({ principal }) => void stages.push(`limit ${principal.kind}`))
      },
    })
    await call(web, "1")
    expect(stages).toEqual(["prepare", "validate", "block outbound", "limit company"])
    expect(outcome(await call(web, "2", { type: "message.send", data: { phone: "x", message: "" } }))).toEqual([
      400,
      "VALIDATION_ERROR",
    ])
    await web.call("POST", "/sessions/acme/logout")
    expect(outcome(await call(web, "3"))).toEqual([409, "NO_ACTIVE_SESSION"])
  })

  it("may name its own company again, and no other", async () => {
    const web = await openSigned()
    await web.house.connect("other")
    const named = (companyId: unknown) => ({ type: "message.send", data: { ...SEND.data, companyId } })
    expect((await call(web, "1", named("acme"))).status).toBe(200)
    expect((await call(web, "2", named(null))).status).toBe(200)
    for (const [id, foreign] of [
      ["3", "other"],
      ["4", "nobody"],
      ["5", 7],
      ["6", { a: 1 }],
    ] as const) {
      expect(outcome(await call(web, id, named(foreign)))).toEqual([403, "FORBIDDEN"])
      expect(outcome(await call(web, id, { ...SEND, companyId: foreign }))).toEqual([403, "FORBIDDEN"])
    }
    expect(web.house.provider.line("other").sent).toEqual([])
  })

  it.each([
    [{ type: "message.delete" }, "type", "message.send, session.initialize"],
    [{ type: "constructor" }, "type", "message.send"],
    [{ type: 7 }, "type", "message.send"],
    [{}, "type", "message.send"],
    [[], "", "object"],
    ["text", "", "object"],
    [{ type: "message.send", data: [] }, "data", "object"],
    [{ type: "message.send", data: "x" }, "data", "object"],
    [{ type: "session.initialize", data: { usePairingCode: "yes" } }, "usePairingCode", "true or false"],
  ])("%j is refused with the field and what is expected", async (body, path, expected) => {
    const web = await openSigned()
    const { status, json } = await call(web, "1", body)
    expect(status).toBe(400)
    expect(json.error.details).toMatchObject([{ path, message: expect.stringContaining(expected) }])
  })

  it("that is genuine and no JSON is 400, and one that is not genuine is not read at all", async () => {
    const web = await openSigned()
    const raw = (headers: Record<string, string>) =>
      web.http.fetch(
        new Request("http://localhost/api/whatsapp/webhooks/acme", {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: "{",
        }),
      )
    const codeOf = async (answer: Response) => ((await answer.json()) as Answer["json"]).error.code
    expect(await codeOf(await raw({ "x-scheme": "test", "x-id": "1" }))).toBe("INVALID_JSON")
    expect(await codeOf(await raw({}))).toBe("INVALID_SIGNATURE")
    expect(await codeOf(await raw({ "content-type": "text/plain" }))).toBe("UNSUPPORTED_MEDIA_TYPE")
    expect(await codeOf(await raw({ "content-length": "99999999" }))).toBe("PAYLOAD_TOO_LARGE")
  })

  it("cannot be for the providers, whose name is kept for them", async () => {
    const web = await openSigned()
    expect(outcome(await call(web, "1", SEND, {}, "providers"))).toEqual([400, "INVALID_COMPANY_ID"])
  })

  it("starts a session and answers with its status, without waiting for a code and never with one", async () => {
    const web = await openSigned()
    await web.call("POST", "/sessions/acme/logout")
    const answer = await call(web, "1", { type: "session.initialize" })
    expect(answer).toMatchObject({ status: 202, json: { data: { companyId: "acme", status: "connecting" } } })
    await web.house.clock.settle()
    web.house.provider.line("acme").qr("the secret code")
    const again = await call(web, "2", { type: "session.initialize", data: {} })
    expect(again).toMatchObject({ status: 202, json: { data: { status: "qr" } } })
    expect(JSON.stringify([answer.json, again.json])).not.toContain("the secret code")
  })

  it("is told to whoever watches, by its type and scheme", async () => {
    const seen: unknown[] = []
    const web = await openSigned({
      hooks: (hooks) => hooks.add("own", "webhook:received", (call) => void seen.push(call)),
    })
    for (const id of ["1", "1"]) await call(web, id)
    await web.house.hooks.drain()
    expect(seen).toEqual([{ company: "acme", scheme: "test", type: "message.send" }])
  })

  it("makes no company by the right signature alone, and says no more than to a wrong one", async () => {
    const web = await openSigned()
    const right = await call(web, "1", { type: "session.initialize" }, { "x-api-key": "unknown" }, "nobody")
    const wrong = await web.call("POST", "/webhooks/acme", SEND)
    expect(outcome(right)).toEqual([401, "INVALID_SIGNATURE"])
    expect({ ...right.json, requestId: "" }).toEqual({ ...wrong.json, requestId: "" })
    expect(await web.house.lines.companySettings.exists("nobody")).toBe(false)
  })

  it("makes a company for whoever may make one anyway", async () => {
    const web = await openSigned()
    const made = await call(web, "1", { type: "session.initialize" }, { "x-api-key": "admin" }, "newcomer")
    expect([made.status, made.json.data.companyId]).toEqual([202, "newcomer"])
    expect(await web.house.lines.companySettings.exists("newcomer")).toBe(true)
    expect(outcome(await call(web, "2", SEND, { "x-api-key": "admin" }, "nobody"))).toEqual([409, "NO_ACTIVE_SESSION"])
    expect(await web.house.lines.companySettings.exists("nobody")).toBe(false)
  })
})

describe("a call that comes again", () => {
  it("is answered 200 and does nothing, whatever it says now, and names the message of the first", async () => {
    const web = await openSigned()
    const first = await call(web, "1")
    const { messageId } = first.json.data
    const again = [200, { repeated: true, type: "message.send", messageId }]
    expect(outcome(await call(web, "1"))).toEqual(again)
    const other = { type: "message.send", data: { ...SEND.data, message: "Other" } }
    for (const body of [other, { type: "session.initialize" }, "no object"]) {
      expect(outcome(await call(web, "1", body))).toEqual(again)
    }
    expect(text(web.house)).toEqual(["Hi"])
    expect((await call(web, "2")).json.data.repeated).toBeUndefined()
  })

  it("has one effect though it comes 100 times at once, and takes one place of a limit", async () => {
    let asked = 0
    const web = await openSigned({ hooks: (hooks) => hooks.add("own", "message:limit", () => void asked++) })
    const answers = await Promise.all(Array.from({ length: 100 }, () => call(web, "1")))
    expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 100 }, () => 200))
    expect(answers.filter(({ json }) => json.data.repeated === undefined)).toHaveLength(1)
    expect([text(web.house), asked]).toEqual([["Hi"], 1])
  })

  it("has as many effects as it comes when nothing is remembered, which only tests can have", async () => {
    const web = await openSigned({ repeatsIn: true })
    await Promise.all(Array.from({ length: 10 }, () => call(web, "1")))
    expect(text(web.house)).toHaveLength(10)
  })

  it("need not wait for WhatsApp's answer to the first: that it is stored is enough", async () => {
    const web = await openSigned()
    web.house.provider.policy = () => "hold"
    const first = call(web, "1")
    await web.house.clock.settle()
    expect((await call(web, "1")).json.data.repeated).toBe(true)
    await web.house.clock.advance(15_000)
    expect((await first).status).toBe(202)
  })

  it("is another call in another company", async () => {
    const web = await openSigned()
    await web.house.connect("other")
    await call(web, "1")
    expect((await call(web, "1", SEND, {}, "other")).json.data.repeated).toBeUndefined()
  })

  it("without an id does it again", async () => {
    const web = await openSigned()
    for (let i = 0; i < 3; i++) await call(web, null)
    expect(text(web.house)).toHaveLength(3)
  })

  it("is known under its other ids too, which do not keep the call itself out", async () => {
    const web = await openSigned()
    for (const id of ["1", "2"]) await call(web, id, SEND, { "x-also": "body" })
    expect(text(web.house)).toHaveLength(2)
    expect((await call(web, "body")).json.data.repeated).toBe(true)
    expect(text(web.house)).toHaveLength(2)
  })

  it("after a refusal is a first call, whatever refused it", async () => {
    let verdict: "RATE_LIMIT_EXCEEDED" | "OPEN" = "RATE_LIMIT_EXCEEDED"
    const web = await openSigned({
      hooks: (hooks) =>
        hooks.add("own", "message:limit", () =>
          verdict === "OPEN" ? undefined : refuse("TOO_MANY_ATTEMPTS", { retryAfter: 1 }),
        ),
    })
    expect((await call(web, "limit")).status).toBe(429)
    verdict = "OPEN"
    expect((await call(web, "limit")).json.data.status).toBe("sent")
    expect((await call(web, "shape", { type: "message.send", data: {} })).status).toBe(400)
    expect((await call(web, "shape")).json.data.status).toBe("sent")
    expect((await call(web, "type", { type: "x" })).status).toBe(400)
    expect((await call(web, "type")).json.data.status).toBe("sent")
    await web.call("POST", "/sessions/acme/disconnect")
    expect((await call(web, "line")).status).toBe(409)
    await web.house.connect("acme")
    expect((await call(web, "line")).json.data.status).toBe("sent")
  })

  it("waits for the first, and is the first when that one was refused", async () => {
    let asked = 0
    const web = await openSigned({
      hooks: (hooks) =>
        hooks.add("own", "message:limit", async () => {
          await web.house.clock.sleep(10)
          return asked++ < 2 ? refuse("TOO_MANY_ATTEMPTS") : undefined
        }),
    })
    const all = Promise.all(Array.from({ length: 5 }, () => call(web, "1")))
    await web.house.clock.advance(100)
    expect((await all).map(({ status, json }) => (status === 429 ? 429 : (json.data.repeated ?? "sent")))).toEqual([
      429,
      429,
      "sent",
      true,
      true,
    ])
    expect(text(web.house)).toEqual(["Hi"])
  })

  it("after a failure that is told to the caller does nothing: the message has failed for good", async () => {
    const web = await openSigned()
    web.house.provider.policy = () => ({ outcome: "refused", code: "479", reason: "no" })
    expect(outcome(await call(web, "1"))).toEqual([502, "MESSAGE_SEND_ERROR"])
    expect((await call(web, "1")).json.data.repeated).toBe(true)
    expect(text(web.house)).toHaveLength(1)
  })

  it("to a session does nothing either: one that was ended on purpose stays so", async () => {
    const web = await openSigned()
    const body = { type: "session.initialize" }
    expect((await call(web, "1", body)).status).toBe(202)
    await web.call("POST", "/sessions/acme/disconnect")
    expect(outcome(await call(web, "1", body))).toEqual([200, { repeated: true, type: "session.initialize" }])
    expect((await web.call("GET", "/sessions/acme")).json.data.status).toBe("disconnected")
  })
})

describe("the memory of calls", () => {
  it("outlives a restart, and a kill between the commit and the answer", async () => {
    const web = await openSigned()
    await call(web, "answered")
    web.house.provider.policy = () => "hold"
    void call(web, "cut off").catch(() => undefined)
    await web.house.clock.settle()
    const [id] = web.house.provider.line("acme").held
    const next = webOf(await web.house.reopen("kill"))
    await next.house.connect("acme")
    expect((await call(next, "answered")).json.data.repeated).toBe(true)
    expect((await call(next, "cut off")).json.data).toEqual({ repeated: true, type: "message.send", messageId: id })
    await next.house.clock.settle()
    expect(next.house.provider.line("acme").sent.map((message) => message.id)).toEqual([id])
  })

  it("lasts as long as the verifier says, and at least as long as a time stamp is good", async () => {
    const web = await openSigned()
    await call(web, "1")
    await web.house.clock.advance(DAY - 1_000)
    expect((await call(web, "1")).json.data.repeated).toBe(true)
    await web.house.clock.advance(1_000)
    expect((await call(web, "1")).json.data.repeated).toBeUndefined()

    const short = openWeb({
      hooks: (hooks) => hooks.add("own", "webhook:verify", () => ({ scheme: "short", id: "1", rememberMs: 1 })),
    })
    await short.house.connect("acme")
    await call(short, "1")
    await short.house.clock.advance(10 * 60_000 + 1_000)
    expect((await call(short, "1")).json.data.repeated).toBe(true)
  })

  it("is swept when its time is over", async () => {
    const web = await openSigned()
    for (let i = 0; i < 5; i++) await call(web, String(i), SEND, { "x-also": `also ${i}` })
    const rows = async () => (await web.house.ledger.page("acme", "call", { limit: 50 })).rows.length
    expect(await rows()).toBe(10)
    await web.house.clock.advance(DAY - 1)
    await web.house.lines.ingress.sweep()
    expect(await rows()).toBe(10)
    await web.house.clock.advance(1)
    await web.house.lines.ingress.sweep()
    expect(await rows()).toBe(0)
  })

  it("is kept in the commit of the message: neither is stored without the other", async () => {
    const commits: string[][] = []
    const web = await openSigned({
      wrap: (ledger) => ({
        ...ledger,
        commit(company, ops) {
          commits.push(ops.flatMap((op) => ("table" in op ? [op.table] : [])))
          return ledger.commit(company, ops)
        },
      }),
    })
    await call(web, "1")
    await web.call("POST", "/sessions/acme/disconnect")
    await call(web, "2", { type: "session.initialize" })
    const together = commits.filter((tables) => tables.includes("call"))
    expect(together).toHaveLength(2)
    expect(together[0]).toEqual(expect.arrayContaining(["call", "message", "outbox", "wire"]))
    expect(together[1]).toEqual(["session", "call", "event"])
  })

  it("of a session that is under way already is kept all the same, and of one that could not start is not", async () => {
    const web = await openSigned({ settings: { maxSessions: 1 } })
    const body = { type: "session.initialize" }
    for (const repeated of [undefined, true]) {
      expect((await call(web, "1", body)).json.data.repeated).toBe(repeated)
    }
    await web.call("POST", "/sessions/acme/disconnect")
    const other = web.call("POST", "/sessions/other/initialize")
    await web.house.clock.settle()
    expect(outcome(await call(web, "2", body))).toEqual([503, "SESSION_LIMIT_REACHED"])
    await web.call("POST", "/sessions/other/disconnect")
    await other
    expect((await call(web, "2", body)).status).toBe(202)
    expect((await call(web, "2", body)).json.data.repeated).toBe(true)
  })

  it("is waited for when the ledger is slow, and 503 when it fails for long", async () => {
    let failing = false
    const web = await openSigned({
      wrap: (ledger) => ({
        ...ledger,
        async commit(company, ops) {
          if (failing) throw appError("STORAGE_UNAVAILABLE")
          return ledger.commit(company, ops)
        },
      }),
    })
    await web.call("POST", "/sessions/acme/disconnect")
    failing = true
    const late = call(web, "1", { type: "session.initialize" })
    await web.house.clock.advance(10_000)
    expect(outcome(await late)).toEqual([503, "STORAGE_UNAVAILABLE"])
    failing = false
    await web.house.clock.advance(5_000)
    expect((await call(web, "1", { type: "session.initialize" })).json.data.repeated).toBe(true)
  })

  it("does not take a call for done whose commit failed, nor one that got through although it seemed to fail", async () => {
    for (const through of [false, true]) {
      const web = await openSigned({ wrap: (ledger) => failing(ledger, through) })
      expect(outcome(await call(web, "1"))).toEqual([503, "STORAGE_UNAVAILABLE"])
      await web.house.clock.settle()
      expect((await call(web, "1")).json.data.status).toBe("sent")
      await web.house.clock.settle()
      expect(text(web.house)).toEqual(["Hi"])
    }
  })

  it("is asked again in the commit itself: what was stored since the first look makes a repeat", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const web = await openSigned({
      hooks: (hooks) =>
        hooks.add("own", "message:limit", async () => {
          const task = meanwhile
          meanwhile = undefined
          await task?.()
        }),
    })
    meanwhile = () => call(web, "2", SEND, { "x-also": "1" })
    expect((await call(web, "1")).json.data.repeated).toBe(true)
    expect(text(web.house)).toHaveLength(1)
  })

  it("takes nobody for a repeat because a row whose time was over has been swept since the first look", async () => {
    let meanwhile: (() => Promise<unknown>) | undefined
    const web = await openSigned({
      hooks: (hooks) =>
        hooks.add("own", "message:limit", async () => {
          const task = meanwhile
          meanwhile = undefined
          await task?.()
        }),
    })
    await call(web, "1")
    await web.house.clock.advance(DAY)
    meanwhile = () => web.house.lines.ingress.sweep()
    expect((await call(web, "1")).json.data.status).toBe("sent")
    expect(text(web.house)).toHaveLength(2)
  })

  it("ends with the company", async () => {
    const web = await openStoredWeb({ hooks: verifier, stores: ["here"] })
    await web.house.connect("acme")
    await call(web, "1")
    expect((await web.call("DELETE", "/companies/acme")).status).toBe(200)
    expect(outcome(await call(web, "1", SEND, { "x-api-key": "unknown" }))).toEqual([401, "INVALID_SIGNATURE"])
    await web.house.connect("acme")
    expect((await call(web, "1")).json.data.status).toBe("sent")
  })

  it("holds no id as it came", async () => {
    const web = await openSigned()
    await call(web, "a telling id")
    const { rows } = await web.house.ledger.page("acme", "call", { limit: 5 })
    expect(rows.map(({ key }) => key)).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/)])
  })
})

describe("an unsigned call that the verifier lets pass", () => {
  const unsigned = { "x-scheme": "unsigned" }

  it("needs a key that may send for this company", async () => {
    const web = await openSigned()
    await web.house.connect("other")
    const by = (key: string, to = "acme") => call(web, null, SEND, { ...unsigned, "x-api-key": key }, to)
    expect((await by("acme-all")).status).toBe(200)
    expect((await by("admin")).status).toBe(200)
    expect(outcome(await by("acme-read"))).toEqual([403, "FORBIDDEN"])
    expect(outcome(await by("acme-all", "other"))).toEqual([403, "FORBIDDEN"])
    expect(outcome(await by("acme-all", "nobody"))).toEqual([403, "FORBIDDEN"])
    expect(outcome(await by("unknown"))).toEqual([401, "UNAUTHORIZED"])
    expect(web.house.provider.line("other").sent).toEqual([])
  })

  it("starts a session only with a key that may do that as well", async () => {
    const scopes: Readonly<Record<string, readonly Scope[]>> = {
      "acme-send": ["send"],
      "acme-session": ["session"],
      "acme-both": ["send", "session"],
    }
    const web = await openSigned({
      hooks: (hooks) =>
        hooks.add("more", "request:identify", ({ headers }) => {
          const own = scopes[headers.get("x-api-key") ?? ""]
          return own && { kind: "company", company: "acme", scopes: new Set(own) }
        }),
    })
    const by = (key: string, body: object) => call(web, null, body, { ...unsigned, "x-api-key": key })
    const start = { type: "session.initialize" }
    expect((await by("acme-both", start)).status).toBe(202)
    expect((await by("acme-send", SEND)).status).toBe(200)
    for (const [key, body] of [
      ["acme-send", start],
      ["acme-session", start],
      ["acme-session", SEND],
    ] as const) {
      expect(outcome(await by(key, body))).toEqual([403, "FORBIDDEN"])
    }
  })
})

describe("in single-tenant mode", () => {
  it("a signed call reaches the one company, also to begin it, and no other", async () => {
    const web = openWeb({ hooks: verifier, settings: { multiTenant: false, defaultCompanyId: "acme" } })
    const body = { type: "session.initialize" }
    expect((await call(web, "1", body)).status).toBe(202)
    expect(outcome(await call(web, "2", body, {}, "other"))).toEqual([403, "FORBIDDEN"])
  })
})

/** The first commit of a message fails; `through`: although it is stored. */
function failing(ledger: Ledger, through: boolean): Ledger {
  let failed = false
  return {
    ...ledger,
    async commit(company, ops) {
      const sends = ops.some((op) => "table" in op && op.table === "outbox" && op.op === "put")
      if (!sends || failed) return ledger.commit(company, ops)
      failed = true
      if (through) await ledger.commit(company, ops)
      throw appError("STORAGE_UNAVAILABLE")
    },
  }
}
