import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import fc from "fast-check"
import { expect, it } from "vitest"
import { definePlugin, z } from "../../core/plugin.ts"
import { createTestLog, type TestLog } from "../support/log.ts"
import { ADMIN_KEY, type Everything, startEverything } from "./everything.ts"
import { craftedRequests, type Crafted, toCraftedRequest } from "./crafted.ts"
import type { Answer } from "./harness.ts"

/** Fixed, so that a failure can be seen again. */
const SEED = 20_261_123
const RUNS = 10_000
const WARM_UP = 1_500
const SECRET = "a-webhook-secret-of-at-least-24-bytes"
const COMPANIES = ["acme", "beta", "gamma"]
const NEVER: ReadonlySet<number> = new Set([500, 502, 504])
const MOST_GROWTH = 10 * 1024 * 1024

/** How far a request came. */
type Stage = "size or type" | "key" | "JSON" | "no route" | "open to all" | "company" | "scope" | "fields" | "handler"

const PAST: ReadonlySet<Stage> = new Set<Stage>(["company", "scope", "fields", "handler"])

function stageOf(status: number, code: string, isOpen: boolean): Stage {
  if (status === 413 || status === 415) return "size or type"
  if (code === "INVALID_JSON") return "JSON"
  if (status === 401 || code === "TOO_MANY_ATTEMPTS") return "key"
  if (isOpen) return "open to all"
  if (code === "COMPANY_ID_REQUIRED" || code === "INVALID_COMPANY_ID") return "company"
  if (code === "FORBIDDEN") return "scope"
  return status === 400 ? "fields" : "handler"
}

async function collected(): Promise<number> {
  setFlagsFromString("--expose_gc")
  const gc = runInNewContext("gc") as () => void
  // What the last answers set going has its turns, and finalizers theirs.
  for (let round = 0; round < 5; round++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    gc()
  }
  return process.memoryUsage().heapUsed
}

it("ten thousand crafted requests get no fault of ours, most of them past the key and the parser, and leave nothing behind", async () => {
  const kept = createTestLog()
  // Faults of ours are what this is about; ten thousand other lines would be the growth of the heap.
  const log = { ...kept, info: () => undefined, debug: () => undefined, trace: () => undefined, warn: () => undefined }
  const everything = await startEverything({
    log: { ...log, child: () => log },
    linking: ["acme", "beta"],
    env: {
      WHATSAPP_BODY_LIMIT: "4000",
      WHATSAPP_MAX_SESSIONS: "50",
      WHATSAPP_RATE_LIMIT_PER_COMPANY: "1000000",
      WHATSAPP_WEBHOOK_SECRET: SECRET,
      WHATSAPP_ENCRYPTION_KEY: "5e".repeat(32),
      WHATSAPP_ENCRYPT_MESSAGES: "true",
    },
  })
  try {
    const stages = new Map<Stage, number>()
    const statuses = new Map<number, number>()
    const reached = new Set<string>()
    const judge = createJudge(everything, kept, stages, statuses, reached)
    const run = async (runs: number, seed: number): Promise<void> => {
      const requests = craftedRequests(await inputOf(everything))
      await fc.assert(fc.asyncProperty(requests, judge), { numRuns: runs, seed, endOnFailure: true })
    }
    await run(WARM_UP, SEED + 1)
    await everything.empty()
    const before = await collected()
    stages.clear()
    statuses.clear()
    await run(RUNS, SEED)
    await everything.empty()
    const growth = (await collected()) - before

    const past = [...stages].reduce((sum, [stage, count]) => sum + (PAST.has(stage) ? count : 0), 0)
    const table = (counts: ReadonlyMap<unknown, number>): string =>
      [...counts]
        .sort(([, a], [, b]) => b - a)
        .map(([name, count]) => `${String(name)} ${count}`)
        .join(", ")
    console.info(`${RUNS} requests; stopped at or after: ${table(stages)}`)
    console.info(`statuses: ${table(statuses)}; heap ${(growth / 1024 / 1024).toFixed(1)} MB larger`)
    expect(past).toBeGreaterThanOrEqual(RUNS * 0.6)
    expect(stages.get("handler")).toBeGreaterThan(RUNS * 0.1)
    // Every route has been reached by a caller who may use it.
    const routes = everything.app.routes().map(({ route: { spec } }) => `${spec.method} ${spec.path}`)
    expect(routes.filter((name) => !reached.has(name))).toEqual([])
    expect(kept.lines.filter(({ level }) => level === "error" || level === "fatal")).toEqual([])
    expect((await everything.call("GET", "/api/whatsapp/health")).json.data.status).toBe("healthy")
    expect(growth).toBeLessThan(MOST_GROWTH)
  } finally {
    await everything.stop()
  }
}, 300_000)

it("nor do they when ids and phones of any form are let in", async () => {
  const log = createTestLog()
  const env = { WHATSAPP_VALIDATE_COMPANY: "false", WHATSAPP_ALLOWED_PHONE_PATTERN: ".", WHATSAPP_BODY_LIMIT: "4000" }
  const everything = await startEverything({ log, linking: COMPANIES, env })
  try {
    const stages = new Map<Stage, number>()
    const judge = createJudge(everything, log, stages, new Map(), new Set())
    const requests = craftedRequests(await inputOf(everything))
    await fc.assert(fc.asyncProperty(requests, judge), { numRuns: WARM_UP, seed: SEED, endOnFailure: true })
    expect(stages.get("handler")).toBeGreaterThan(WARM_UP * 0.1)
    expect(log.lines.filter(({ level }) => level === "error" || level === "fatal")).toEqual([])
  } finally {
    await everything.stop()
  }
}, 120_000)

it("a plugin that fails for one text in many is found by them", async () => {
  const brittle = definePlugin({
    name: "brittle",
    description: "Fails for some texts",
    config: z.object({}),
    setup({ on }) {
      on("message:validate", ({ message: { content } }) => {
        if (content.type === "text" && content.text.length % 7 === 3) throw new Error("brittle")
      })
    },
  })
  const log = createTestLog()
  const everything = await startEverything({ log, linking: ["acme"], plugins: [brittle] })
  try {
    const judge = createJudge(everything, log, new Map(), new Map(), new Set())
    const requests = craftedRequests(await inputOf(everything))
    const found = fc.assert(fc.asyncProperty(requests, judge), { numRuns: RUNS, seed: SEED, endOnFailure: true })
    await expect(found).rejects.toThrow("Property failed after")
  } finally {
    await everything.stop()
  }
}, 60_000)

/** The requests for this server, with a key of a company that has just been made. */
async function inputOf({ app, call }: Everything) {
  const company = "keyholder"
  const made = await call("POST", `/api/whatsapp/companies/${company}/keys`, {
    name: "crafted",
    scopes: ["send", "read", "session", "admin"],
  })
  const { key } = made.json.data as { readonly key: string }
  const document: unknown = (await call("GET", "/openapi.json")).json
  return {
    routes: app.routes(),
    document,
    companies: COMPANIES,
    webhookSecret: SECRET,
    keys: [
      { weight: 24, key: ADMIN_KEY },
      { weight: 6, key, company },
      { weight: 1, key: `${key.slice(0, -1)}x` },
      { weight: 1, key: undefined },
    ],
  }
}

function createJudge(
  { app, fetch }: Everything,
  log: TestLog,
  stages: Map<Stage, number>,
  statuses: Map<number, number>,
  reached: Set<string>,
) {
  const specs = new Map(app.routes().map(({ route: { spec } }) => [`${spec.method} ${spec.path}`, spec]))
  const count = <K>(counts: Map<K, number>, name: K): void => void counts.set(name, (counts.get(name) ?? 0) + 1)

  return async (crafted: Crafted): Promise<void> => {
    const spec = specs.get(crafted.route)
    const response = await fetch(toCraftedRequest(crafted))
    const { status } = response
    if (NEVER.has(status)) throw new Error(`${status}: ${JSON.stringify(log.lines.at(-1))}`)
    expect(response.headers.get("x-request-id")).toMatch(/^[A-Za-z0-9_.:-]{1,128}$/)
    expect(response.headers.get("x-content-type-options")).toBe("nosniff")
    expect(response.headers.get("content-security-policy")).toContain("default-src 'none'")
    expect(
      [...response.headers.keys()].filter((name) => /^(access-control-|server$|x-powered-by$)/.test(name)),
    ).toEqual([])
    count(statuses, status)
    const isItsOwn = crafted.method === spec?.method.toUpperCase()
    // A stream of events does not end by itself.
    if (status < 400 || crafted.method === "HEAD") await response.body?.cancel()
    const code = status < 400 || crafted.method === "HEAD" ? "" : await failureCode(response)
    // Busy it may be, broken not.
    if (status === 503) expect(["SESSION_LIMIT_REACHED"]).toContain(code)
    const stage = isItsOwn ? stageOf(status, code, spec?.scope === "none") : "no route"
    count(stages, stage)
    if (PAST.has(stage) || stage === "open to all") reached.add(crafted.route)
  }
}

async function failureCode(response: Response): Promise<string> {
  const json = (await response.json()) as Answer["json"]
  expect(Object.keys(json).sort()).toEqual(["error", "requestId", "success"])
  expect(json.error.code).toMatch(/^[A-Z_]+$/)
  expect(typeof json.error.message).toBe("string")
  return json.error.code
}
