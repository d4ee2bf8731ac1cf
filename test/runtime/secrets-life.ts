import { createHmac } from "node:crypto"
import { once } from "node:events"
import { connect } from "node:net"
import { until } from "../support/platform.ts"
import { connected, dataOf, type Stage } from "./stage.ts"

/** A life in which everything secret is used, everywhere, and everything fails once. */

const WAIT_MS = 30_000
export const CONTACT = "79167770011"
export const GUEST = "79167770012"
export const BLOCKED = "79167770013"
export const SENT = "canary-text-outbound"
export const HEARD = "canary-text-inbound"
export const CAPTION = "canary-caption"
export const PUSH_NAME = "Canary Pushname"
export const IN_QUERY = "canary-in-a-query"
export const IN_HEADER = "canary-in-a-header"
export const IN_PATH = "canary-in-a-path"
export const WRONG_KEY = "wak_canarykey1_canarysecretcanarysecretcanarysecretcanary1"
export const URL_PASSWORD = "canary-url-password"
export const PROXY_PASSWORD = "canary-proxy-password"
export const COMPANY_SECRET = "canary-webhook-secret-of-a-company"
export const SIGNED = "canary-text-signed"
export const IDEMPOTENCY = "canary-idempotency-key"

export interface Life {
  /** Made by the server: the key of a company, QR texts, pairing codes. */
  readonly made: ReadonlyMap<string, string>
  /** Answers of 400 and above, as text with their headers. */
  readonly failures: readonly string[]
  /** The event logs of all companies. */
  readonly events: string
  /** What the routes of metrics say, where there are any. */
  readonly metrics: string
}

export interface LifeOptions {
  readonly adminKey: string
  readonly serverSecret: string
  /** Takes the default store away, and gives it back. */
  readonly away: () => Promise<void>
  readonly back: () => Promise<void>
}

interface Asked {
  readonly body?: string
  readonly headers?: Record<string, string>
}

export async function live(stage: Stage, { adminKey, serverSecret, away, back }: LifeOptions): Promise<Life> {
  const { sandbox, platform } = stage
  const failures: string[] = []
  const made = new Map<string, string>()
  const key = { "x-api-key": adminKey }
  const request = async (method: string, path: string, { body, headers: more }: Asked = {}): Promise<Response> => {
    const headers = { ...key, ...(body === undefined ? {} : { "content-type": "application/json" }), ...more }
    const url = new URL(`/api/whatsapp${path}`, platform.url)
    const answer = await fetch(url, { method, headers, ...(body === undefined ? {} : { body }) })
    if (answer.status >= 400)
      failures.push(`${answer.status} ${await answer.clone().text()} ${[...answer.headers].join()}`)
    return answer
  }
  const post = async (path: string, body: unknown, headers: Record<string, string> = {}) => {
    const answer = await request("POST", path, { body: JSON.stringify(body), headers })
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> }
  }

  const contact = await sandbox.phone(CONTACT, { name: PUSH_NAME, read: true })
  const guest = await sandbox.phone(GUEST, { name: PUSH_NAME, addressing: "lid" })
  const [company] = await stage.link(1)
  if (company === undefined) throw new Error("no company")
  const { id } = company
  const send = (message: string, phone = CONTACT, headers: Record<string, string> = {}) =>
    post("/send", { companyId: id, phone, message }, headers)
  const heard = (text: string): Promise<unknown> =>
    until(`${text} is stored`, WAIT_MS, async () => {
      const listed = await request("GET", `/messages/${id}?limit=200`)
      const { data } = (await listed.json()) as { data: { message: string }[] }
      return data.some(({ message }) => message === text) || undefined
    })

  // What goes well.
  await send(SENT, CONTACT, { "idempotency-key": IDEMPOTENCY })
  await contact.waitFor({ text: SENT }, WAIT_MS)
  await contact.send(company.number, HEARD)
  await guest.send(company.number, `${HEARD} of a guest`)
  await Promise.all([heard(HEARD), heard(`${HEARD} of a guest`)])
  const shown = await post("/companies/keyed/keys", { name: "canary", scopes: ["send", "read", "session"] })
  made.set("a company's key", dataOf<{ key: string }>(shown as never).key)
  const qr = await post("/sessions/shows-qr/initialize", {})
  made.set("a QR text", dataOf<{ qr: string }>(qr as never).qr)
  const code = await post("/sessions/shows-code/initialize", { usePairingCode: true, phoneNumber: BLOCKED })
  made.set("a pairing code", dataOf<{ pairingCode: string }>(code as never).pairingCode)
  await request("PUT", `/companies/${id}`, {
    body: JSON.stringify({ webhookSecret: COMPANY_SECRET, blockedNumbers: [BLOCKED] }),
  })

  // What callers do wrong.
  await send(SENT, BLOCKED)
  await send("", `${CONTACT}x`)
  await send(SENT, "999999999999999999")
  const foreign = made.get("a company's key") ?? ""
  await request("GET", `/messages/${id}?phone=${CONTACT}`, { headers: { "x-api-key": foreign } })
  for (const headers of [{ "x-api-key": WRONG_KEY }, { "x-api-key": "", authorization: `Bearer ${WRONG_KEY}` }]) {
    await request("GET", `/messages/${id}`, { headers })
  }
  const strange = { "user-agent": IN_HEADER, cookie: IN_HEADER, referer: IN_HEADER, "x-forwarded-for": IN_HEADER }
  await request("GET", `/messages/${id}/${IN_PATH}?phone=${CONTACT}&x=${IN_QUERY}`, { headers: strange })
  await request("GET", `/messages/${id}?cursor=${IN_QUERY}&limit=${IN_QUERY}&phone=${CONTACT}`, { headers: strange })
  await request("GET", `/contacts/${id}/check?phone=${CONTACT}${IN_QUERY}`)
  await request("GET", `/nowhere/${IN_PATH}?${IN_QUERY}`)
  await request("GET", "/brittle?phone=79167770011&x=canary-in-a-query", { headers: strange })
  const bodies = [
    `{"companyId":"${id}","phone":"${CONTACT}","message":"${SENT}`,
    `"${SENT}"`,
    JSON.stringify({ companyId: id, phone: { [CONTACT]: SENT }, message: [SENT], [CONTACT]: 1 }),
    JSON.stringify({ companyId: id, phone: CONTACT, message: SENT.repeat(60_000) }),
  ]
  for (const body of bodies) await request("POST", "/send", { body })
  await request("POST", "/send", { body: SENT, headers: { "content-type": "text/plain" } })
  const url = `https://canary:${URL_PASSWORD}@127.0.0.1/a.png?token=${IN_QUERY}`
  await post("/send-media", { companyId: id, phone: CONTACT, mediaUrl: url, type: "image", caption: CAPTION })
  await post(`/companies/${id}/messages`, { to: CONTACT, type: "image", media: { url }, caption: CAPTION })
  for (const proxy of [`http://canary:${PROXY_PASSWORD}@[`, `ftp://canary:${PROXY_PASSWORD}@127.0.0.1`]) {
    await request("PUT", `/companies/${id}`, { body: JSON.stringify({ proxy }) })
  }
  const files = { "creds.json": SENT, [`session-${CONTACT}.0.json`]: SENT }
  await post("/companies/imported/import", { files, dryRun: true })

  // Signed calls, right and wrong.
  const signed = (body: string, secret: string) =>
    request("POST", `/webhooks/${id}`, {
      body,
      headers: { "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}` },
    })
  await signed(JSON.stringify({ type: "message.send", data: { phone: CONTACT, message: SIGNED } }), COMPANY_SECRET)
  await signed(JSON.stringify({ type: "message.send", data: { phone: CONTACT, message: SIGNED } }), serverSecret)
  await signed(`${SIGNED} ${CONTACT}`, COMPANY_SECRET)

  // What never becomes a request.
  const { hostname, port } = new URL(platform.url)
  const head = `POST /${IN_PATH}?${IN_QUERY} HTTP/1.1\r\nHost: localhost\r\n`
  const raw = [`${head}${IN_HEADER}\r\n\r\n`, `${head}X: ${IN_HEADER.repeat(2_000)}\r\n\r\n`, `${head}X: ${IN_HEADER}`]
  for (const text of [...raw, `${head}Content-Length: 1000\r\n\r\n${SENT}`]) {
    const socket = connect(Number(port), hostname)
    let said = ""
    socket.on("data", (chunk) => (said += chunk.toString()))
    // A server that has refused may reset.
    socket.on("error", () => undefined)
    socket.write(text)
    await once(socket, "close")
    failures.push(said)
  }

  // A plugin fails at each stage.
  for (const stageName of ["prepare", "validate", "block", "limit"]) await send(`fault-${stageName} ${SENT}`)

  // WhatsApp fails.
  const line = company.number
  await sandbox.fault({ kind: "refuse-message", code: 479, line, count: 1 })
  await send(`${SENT} refused`)
  await sandbox.fault({ kind: "garble", line, count: 1 })
  await contact.send(line, `${HEARD} garbled`)
  await connected(platform, company, WAIT_MS)
  await sandbox.fault({ kind: "refuse-login", code: 503, line, count: 2 })
  await sandbox.line(line).cut()
  await send(`${SENT} waiting`)
  await contact.waitFor({ text: `${SENT} waiting` }, WAIT_MS)
  await sandbox.fault({ kind: "hang-iq", xmlns: "usync", line, count: 1 })
  await send(`${SENT} to somebody new`, "79167770014", { prefer: "respond-async" })
  await sandbox.fault({ kind: "refuse-pairing-code", code: 429, count: 1 })
  await post("/sessions/shows-no-code/pairing-code", { phoneNumber: BLOCKED })

  // The store fails.
  await away()
  await contact.send(line, `${HEARD} while the store is away`)
  await Promise.all([
    post("/sessions/new-without-store/initialize", {}),
    request("GET", "/health"),
    send(`${SENT} while the store is away`, CONTACT, { prefer: "respond-async" }),
  ])
  await back()
  await connected(platform, company, WAIT_MS)
  await request("PUT", `/companies/${id}`, {
    body: JSON.stringify({ proxy: `http://canary:${PROXY_PASSWORD}@127.0.0.1:9` }),
  })
  await post(`/sessions/${id}/restart`, {})
  await until("the proxy is found missing", WAIT_MS, async () => {
    const { data } = (await (await request("GET", `/sessions/${id}`)).json()) as { data: { lastError: unknown } }
    return data.lastError === null ? undefined : true
  })

  const companies = [id, "keyed", "shows-qr", "shows-code", "shows-no-code", "imported"]
  const events = await Promise.all(
    companies.map(async (name) => (await request("GET", `/events/${name}?limit=200`)).text()),
  )
  const metrics = await Promise.all(
    ["/metrics", "/api/whatsapp/metrics/export", "/api/whatsapp/health"].map(async (path) =>
      (await fetch(new URL(path, platform.url), { headers: key })).text(),
    ),
  )
  return { made, failures, events: events.join("\n"), metrics: metrics.join("\n") }
}
