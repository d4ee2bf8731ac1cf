import { el } from "./binary.ts"
import type { Connection } from "./connection.ts"
import { MESSAGE_KINDS, type MessageKind } from "./content.ts"
import { ControlError } from "./control-error.ts"
import { FAULT_KINDS, type FaultKind, type FaultSpec } from "./faults.ts"
import { unmet } from "./figures.ts"
import { createGroup } from "./groups.ts"
import { unlink } from "./iq.ts"
import type { Addressing } from "./jid.ts"
import { enterCode, scanQr } from "./linking.ts"
import type { Line } from "./line.ts"
import { phone } from "./phones.ts"
import { lineView, phoneView, sentByLine, totals } from "./views.ts"
import { jidOf, type Account, type World } from "./world.ts"

export interface Call {
  readonly world: World
  readonly about: Record<string, unknown>
  readonly params: readonly string[]
  readonly query: URLSearchParams
  readonly body: Record<string, unknown>
}

type Run = (call: Call) => unknown

const DEFAULT_LIMIT = 1000

/** Every operation; `:x` in a path is a parameter. The README of this folder describes them. */
const ROUTES: readonly (readonly [method: string, path: string, run: Run])[] = [
  ["GET", "/", ({ about }) => about],
  ["GET", "/totals", waitForTotals],
  ["GET", "/log", ({ world }) => world.journal.entries()],
  ["GET", "/phones", ({ world }) => [...world.accounts.values()].map(phoneView)],
  ["PUT", "/phones/:phone", ({ world, params, body }) => phoneView(phone(world, params[0] ?? "", body))],
  ["GET", "/phones/:phone", (call) => phoneView(accountIn(call))],
  ["POST", "/phones/:phone/link", async (call) => linked(await scanQr(call.world, accountIn(call), text(call, "qr")))],
  [
    "POST",
    "/phones/:phone/code",
    async (call) => linked(await enterCode(call.world, accountIn(call), text(call, "code"))),
  ],
  ["POST", "/phones/:phone/code/wait", waitForCode],
  ["POST", "/phones/:phone/send", send],
  ["GET", "/phones/:phone/sent/:id", waitForSent],
  ["GET", "/phones/:phone/messages", messages],
  ["DELETE", "/phones/:phone/messages", (call) => accountIn(call).handset.inbox.clear()],
  ["POST", "/phones/:phone/forget", (call) => accountIn(call).handset.forget()],
  ["POST", "/phones/:phone/unlink", unlinkDevice],
  ["POST", "/groups", makeGroup],
  ["GET", "/lines/:phone", line],
  ["GET", "/lines/:phone/sent", (call) => sentByLine(accountIn(call), call.query.get("id") ?? undefined)],
  ["POST", "/lines/:phone/cut", (call) => each(call, (one) => one.cut())],
  ["POST", "/lines/:phone/swallow", (call) => each(call, (one) => one.ignore(number(call, "ms", 3000), true))],
  ["POST", "/lines/:phone/mute", (call) => each(call, (one) => one.ignore(number(call, "ms", 3_600_000), false))],
  ["POST", "/lines/:phone/stream-error", streamError],
  ["GET", "/faults", ({ world }) => world.faults.list()],
  ["POST", "/faults", ({ world, body }) => world.faults.arm(faultSpec(body))],
  ["GET", "/faults/:id", ({ world, params }) => world.faults.get(Number(params[0])) ?? {}],
  ["DELETE", "/faults/:id", ({ world, params }) => world.faults.clear(Number(params[0]))],
  ["DELETE", "/faults", ({ world }) => world.faults.clear()],
]

const TABLE = ROUTES.map(([method, path, run]) => ({ method, parts: path.split("/"), run }))

export function findRoute(method: string, path: string): { run: Run; params: string[] } | undefined {
  const parts = path.split("/")
  for (const route of TABLE) {
    if (route.method !== method || route.parts.length !== parts.length) continue
    const params: string[] = []
    const fits = route.parts.every((part, index) => {
      const given = parts[index] ?? ""
      if (!part.startsWith(":")) return part === given
      params.push(decodeURIComponent(given))
      return given !== ""
    })
    if (fits) return { run: route.run, params }
  }
  return undefined
}

function accountIn({ world, params }: Call): Account {
  const account = world.accounts.get((params[0] ?? "").replace(/\D/g, ""))
  if (!account) throw new ControlError(404, "no such phone")
  return account
}

function text({ body }: Call, name: string): string {
  const value = body[name]
  if (typeof value !== "string" || value === "") throw new Error(`"${name}" must be a string`)
  return value
}

function number({ body }: Call, name: string, otherwise: number): number {
  const value = body[name] ?? otherwise
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) throw new Error(`"${name}" must be a number`)
  return value
}

/** `all` in the path stands for every connection, those that are not linked yet included. */
function each(call: Call, act: (connection: Connection) => void): { connections: number } {
  const account = call.params[0] === "all" ? undefined : accountIn(call)
  const chosen = [...call.world.connections].filter((one) => !account || one.line?.account === account)
  for (const one of chosen) act(one)
  return { connections: chosen.length }
}

function linked(one: Line): { device: number; jid: string; lid: string } {
  return { device: one.id, jid: jidOf(one.account, "pn", one.id), lid: jidOf(one.account, "lid", one.id) }
}

async function waitForCode(call: Call): Promise<{ requested: boolean }> {
  const { phone: digits } = accountIn(call)
  const look = (): true | undefined => (call.world.codes.has(digits) ? true : undefined)
  return { requested: (await call.world.watch.until(look, number(call, "waitMs", 0))) === true }
}

function send(call: Call): Promise<unknown> {
  const { handset } = accountIn(call)
  const id = call.body.id === undefined ? undefined : text(call, "id")
  const { kind = "text" } = call.body
  if (!MESSAGE_KINDS.includes(kind as MessageKind)) throw new Error(`"kind" must be one of ${MESSAGE_KINDS.join(", ")}`)
  return handset.writer.send({ to: text(call, "to"), text: text(call, "text"), id, kind: kind as MessageKind })
}

/** With `status` it waits until somebody, or the device `by`, has confirmed. */
async function waitForSent(call: Call): Promise<unknown> {
  const { handset } = accountIn(call)
  const { query, params } = call
  const status = query.get("status")
  const by = query.get("by")
  const find = () => handset.writer.sent(params[1] ?? "")
  const look = () => {
    const sent = find()
    if (!sent || status === null) return sent
    const list = status === "read" ? sent.read : sent.delivered
    return list.some((who) => by === null || who === by) ? sent : undefined
  }
  const sent = (await handset.inbox.watch.until(look, Number(query.get("waitMs") ?? 0))) ?? find()
  if (!sent) throw new Error("this phone sent no such message")
  return sent
}

async function messages(call: Call): Promise<unknown> {
  const { query } = call
  const { inbox } = accountIn(call).handset
  const given = (name: string): string | undefined => query.get(name) ?? undefined
  const figure = (name: string): number | undefined => (query.has(name) ? Number(query.get(name)) : undefined)
  const filter = {
    id: given("id"),
    from: given("from"),
    chat: given("chat"),
    text: given("text"),
    contains: given("contains"),
    own: query.has("own") ? query.get("own") === "true" : undefined,
    after: figure("after"),
    times: figure("times"),
  }
  const waitMs = figure("waitMs")
  if (waitMs === undefined) return inbox.find(filter, figure("limit") ?? DEFAULT_LIMIT)
  return inbox.wait(filter, figure("count") ?? 1, waitMs)
}

function unlinkDevice(call: Call): { unlinked: number } {
  const { lines } = accountIn(call)
  const wanted = call.body.device
  const chosen = [...lines.values()].filter((one) => wanted === undefined || one.id === wanted)
  for (const one of chosen) unlink(call.world, one, true)
  return { unlinked: chosen.length }
}

function makeGroup(call: Call): unknown {
  const { world, body } = call
  const members = (Array.isArray(body.members) ? body.members : []).map((item) => phone(world, String(item)))
  const addressing: Addressing = body.addressing === "pn" ? "pn" : "lid"
  const group = createGroup(world, phone(world, text(call, "creator")), members, text(call, "subject"), addressing)
  return { jid: group.jid, subject: group.subject, addressing, members: [...group.members].map((one) => one.phone) }
}

function line(call: Call): Promise<unknown> {
  const account = accountIn(call)
  return waitForView(call.world, call.query, false, () => lineView(account))
}

function waitForTotals({ world, query }: Call): Promise<unknown> {
  return waitForView(world, query, true, () => totals(world))
}

/** The view as soon as it shows what the query asks for, or as it is after `waitMs`. */
async function waitForView(world: World, query: URLSearchParams, exact: boolean, look: () => object): Promise<object> {
  const wanted = [...query].filter(([name]) => name !== "waitMs")
  const met = (): object | undefined => {
    const view = look()
    return unmet(view, wanted, exact).length === 0 ? view : undefined
  }
  return (await world.watch.until(met, Number(query.get("waitMs") ?? 0))) ?? look()
}

function streamError(call: Call): { connections: number } {
  const { body } = call
  const conflict = body.conflict === undefined ? [] : [el("conflict", { type: text(call, "conflict") })]
  const code = body.code === undefined ? undefined : number(call, "code", 0)
  return each(call, (one) => one.end(el("stream:error", { code }, conflict)))
}

function faultSpec(body: Record<string, unknown>): FaultSpec {
  const { kind } = body
  if (!FAULT_KINDS.includes(kind as FaultKind)) throw new Error(`"kind" must be one of ${FAULT_KINDS.join(", ")}`)
  const allowed = new Set(["kind", "line", "count", "forMs", "code", "ms", "conflict", "xmlns"])
  for (const name of Object.keys(body)) if (!allowed.has(name)) throw new Error(`a fault has no "${name}"`)
  return body as unknown as FaultSpec
}
