import { randomBytes } from "node:crypto"
import standard from "../../config/switchboard.config.ts"
import type { Answer } from "./harness.ts"
import { type CallInit, type MatrixHouse, startMatrixHouse, type Work } from "./matrix-house.ts"
import { type Caller, callers, type Need, namedInBody } from "./matrix-table.ts"
import { operationsOf } from "./openapi-rules.ts"

/** Routes, callers and companies for the matrix of who may call what. */
export interface Rig {
  /** With an admin key. */
  readonly guarded: MatrixHouse
  /** Without one. */
  readonly keyless: MatrixHouse
  /** Every route there is: of the OpenAPI document, mounted without being documented, and promised. */
  readonly routes: readonly string[]
  /** A company with data of every kind, whose keys nobody here has. */
  readonly foreign: string
  /** Ids of objects of the foreign company, by the name of the parameter that takes them. */
  readonly foreignIds: Readonly<Record<string, string>>
  /** A new company and what this caller has for it; what is of no use anyway is shared. */
  admit(caller: Caller): Promise<Admitted>
  stop(): Promise<void>
}

export interface Admitted {
  readonly house: MatrixHouse
  readonly company: string
  /** Its key and address, as they go with each call. */
  init(): CallInit
}

export interface Probe {
  readonly status: number
  readonly code: string
  /** The answer but for what is different on each request. */
  readonly shown: unknown
  readonly work: Work
}

export const ADMIN = "admin-key-of-24-characters"
const FOREIGN = "foreign"
const scopesOf = (caller: Caller): readonly Need[] => callers[caller]

export async function createRig(): Promise<Rig> {
  const guarded = await startMatrixHouse({ env: { WHATSAPP_API_KEY: ADMIN } })
  const keyless = await startMatrixHouse()
  let made = 0
  let addresses = 0

  const make = async (company: string, scopes: readonly Need[], more: object = {}) => {
    const body = { name: "matrix", scopes, ...more }
    const answer = await guarded.call("POST", `/api/whatsapp/companies/${company}/keys`, { key: ADMIN, body })
    if (answer.status !== 201) throw new Error(`No key was made: ${answer.text}`)
    return answer.json.data as { key: string; keyId: string }
  }

  const foreignIds = await furnish(guarded, make)
  const useless = await uselessKeys(guarded, make)

  return {
    guarded,
    keyless,
    routes: routesOf(guarded),
    foreign: FOREIGN,
    foreignIds,
    async admit(caller) {
      const scopes = scopesOf(caller)
      // Each call from elsewhere, or the attempts would be too many.
      const address = (): string => `10.${addresses >> 16}.${(addresses >> 8) & 255}.${addresses++ & 255}`
      if (scopes.length === 0) {
        const key = useless[caller]
        const init = (): CallInit => ({ address: address(), ...(key === undefined ? {} : { key }) })
        return { house: guarded, company: "stale", init }
      }
      const company = `own-${made++}`
      if (caller === "this machine without a key") {
        await keyless.call("PUT", `/api/whatsapp/companies/${company}`, { body: {} })
        return { house: keyless, company, init: () => ({}) }
      }
      const operator = scopes.includes("operator")
      // A key with the scope admin may do the rest as well.
      const named = scopes.includes("admin") ? (["admin"] as const) : scopes
      const { key } = await make(company, named)
      return { house: guarded, company, init: () => ({ address: address(), key: operator ? ADMIN : key }) }
    },
    stop: async () => void (await Promise.all([guarded.stop(), keyless.stop()])),
  }
}

type Make = (company: string, scopes: readonly Need[], more?: object) => Promise<{ key: string; keyId: string }>

/** Keys that open nothing, by caller. */
async function uselessKeys(house: MatrixHouse, make: Make): Promise<Partial<Record<Caller, string>>> {
  const good = await make("stale", ["admin"])
  const revoked = await make("stale", ["admin"])
  const expired = await make("stale", ["admin"], { expiresAt: new Date(Date.now() + 60_000).toISOString() })
  await house.call("DELETE", `/api/whatsapp/companies/stale/keys/${revoked.keyId}`, { key: ADMIN })
  house.ahead(60_000)
  return {
    "a garbled key": "wak_garbled",
    "a wrong key": good.key.slice(0, -1) + (good.key.endsWith("A") ? "B" : "A"),
    "an unknown key": `wak_aaaaaaaaaa_${randomBytes(32).toString("base64url")}`,
    "an expired key": expired.key,
    "a revoked key": revoked.key,
  }
}

/** Fills the foreign company, and gives ids of what it has. */
async function furnish(house: MatrixHouse, make: Make): Promise<Record<string, string>> {
  const { keyId } = await make(FOREIGN, ["admin"])
  const post = async (path: string, body: unknown): Promise<Answer> => {
    const answer = await house.call("POST", `/api/whatsapp${path}`, { key: ADMIN, body })
    // Not all of it need be built, or switched on.
    if (answer.status >= 400 && answer.status !== 404 && answer.status !== 501)
      throw new Error(`${path}: ${answer.text}`)
    return answer
  }
  await house.connect(FOREIGN, { "x-api-key": ADMIN })
  const text = { phone: "79001234567", message: "theirs" }
  const sent = await post("/send", { companyId: FOREIGN, ...text })
  const batch = await post("/send/batch", { companyId: FOREIGN, messages: [text, text] })
  await post(`/companies/${FOREIGN}/blocklist`, { phone: text.phone })
  const webhook = await post(`/companies/${FOREIGN}/webhooks`, { url: "https://hooks.example.org/theirs" })
  await house.settle()
  return {
    keyId,
    messageId: textOf(sent, "messageId"),
    batchId: textOf(batch, "batchId"),
    id: textOf(webhook, "id"),
    phone: text.phone,
    file: "theirs",
  }
}

function textOf({ json }: Answer, field: string): string {
  const value = json.data?.[field]
  return typeof value === "string" ? value : "none"
}

/** Every route of a house, also those that are only promised. */
export function routesOf({ app }: MatrixHouse): readonly string[] {
  const all = [...app.routes().map(({ route: { spec } }) => spec), ...(standard.notBuiltRoutes ?? [])]
  return [...new Set(all.map(({ method, path }) => `${method.toUpperCase()} ${path}`))].sort()
}

/** Operations of the OpenAPI document, as `GET /path`, with what each says of keys. */
export async function documented(house: MatrixHouse): Promise<ReadonlyMap<string, { keys: unknown; text: string }>> {
  const { json } = await house.call("GET", "/openapi.json")
  return new Map(
    operationsOf(json).map(({ name, operation }) => [
      name.replace(/^\w+/, (method) => method.toUpperCase()),
      { keys: operation.security, text: String(operation.description) },
    ]),
  )
}

export interface Ask {
  /** The company that the call is for. */
  readonly company: string
  /** Companies named beside it. */
  readonly query?: readonly string[]
  readonly body?: Readonly<Record<string, unknown>>
  /** Values of parameters other than the company. */
  readonly ids?: Readonly<Record<string, string>>
}

/** Makes one call, and tells what came of it. */
export async function probe({ house, init }: Admitted, route: string, ask: Ask): Promise<Probe> {
  const [method = "", template = ""] = route.split(" ")
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) =>
    encodeURIComponent(name === "companyId" ? ask.company : (ask.ids?.[name] ?? "nothing")),
  )
  const query = (ask.query ?? []).map((company) => `companyId=${company}`).join("&")
  const takesBody = method !== "GET" && method !== "HEAD" && method !== "DELETE"
  const body = { ...(namedInBody.has(route) ? { companyId: ask.company } : {}), ...ask.body }
  await house.settle()
  house.forgetWork()
  const answer = await house.call(method, `${path}${query === "" ? "" : `?${query}`}`, {
    ...init(),
    ...(takesBody || ask.body !== undefined ? { body } : {}),
  })
  const work = house.work()
  const { requestId: _, ...json } = answer.json as Record<string, unknown>
  const headers = [...answer.headers].filter(([name]) => name !== "x-request-id")
  const code = answer.status < 400 ? "" : (answer.json.error?.code ?? "")
  return { status: answer.status, code, shown: { status: answer.status, json, headers }, work }
}
