import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { temporaryFolder } from "../support/folder.ts"
import { findRedis, startRedis } from "../support/redis-server.ts"
import { filesIn, search, type Stored, userOf } from "./canary.ts"
import * as life from "./secrets-life.ts"
import { openStage, type Stage } from "./stage.ts"

/**
 * A server whose every log is on, and a life in which everything secret is used and everything fails. Then what it said is
 * searched: its outputs and its log file, its refusals, events, metrics and title, and what it stored.
 */
export interface SecretsVerdict {
  /** What was found where it must not be, by place. */
  readonly found: Readonly<Record<string, readonly string[]>>
  /** What was looked for. */
  readonly secrets: readonly string[]
  readonly logLines: number
  /** Refusals and failures by status. */
  readonly failures: Readonly<Record<string, number>>
  readonly events: number
  /** Sentences of the log, each once. */
  readonly sentences: readonly string[]
}

export interface SecretsOptions {
  /** A plugin logs what it receives. */
  readonly telltale: boolean
  /** False: the log is without its filter. */
  readonly filtered: boolean
}

const ADMIN_KEY = "canary-admin-key-of-the-operator"
const SERVER_SECRET = "canary-webhook-secret-of-the-server"
const STORE_PASSWORD = "canary-password-of-the-store"
const ENCRYPTION_KEY = "canary-passphrase-for-all-that-is-stored"
const BLOCKED_EVERYWHERE = "79167770019"

export async function runSecrets({ telltale, filtered }: SecretsOptions): Promise<SecretsVerdict> {
  const logs = await temporaryFolder()
  const redis =
    findRedis() === undefined
      ? undefined
      : await startRedis({ args: ["--requirepass", STORE_PASSWORD], password: STORE_PASSWORD })
  const output: string[] = []
  const logFile = join(logs.path, "whatsapp.log")
  const env = {
    WHATSAPP_API_KEY: ADMIN_KEY,
    WHATSAPP_WEBHOOK_SECRET: SERVER_SECRET,
    WHATSAPP_ENCRYPTION_KEY: ENCRYPTION_KEY,
    WHATSAPP_ENCRYPT_MESSAGES: "true",
    WHATSAPP_BLOCKED_NUMBERS: BLOCKED_EVERYWHERE,
    WHATSAPP_LOG_LEVEL: "trace",
    WHATSAPP_LOG_TO_FILE: "true",
    WHATSAPP_LOG_PATH: logFile,
    WHATSAPP_DEBUG_BAILEYS: "true",
    WHATSAPP_DEBUG_SESSIONS: "true",
    WHATSAPP_RECONNECT_DELAY: "100",
    WHATSAPP_CONFIG: "test/runtime/loud.config.ts",
    WHATSAPP_BRITTLE_TELLTALE: String(telltale),
    ...(redis && { WHATSAPP_STORAGE: "redis", REDIS_URL: redis.url }),
  }
  try {
    const entry = filtered ? "test/runtime/impatient.ts" : "test/runtime/unfiltered.ts"
    const stage = await openStage({ env, entry, output: (line) => void output.push(line) })
    try {
      const lived = await life.live(stage, {
        adminKey: ADMIN_KEY,
        serverSecret: SERVER_SECRET,
        away: async () => redis?.stop(),
        back: async () => redis?.start(),
      })
      const title = await titleOf(stage)
      const secrets = await secretsOf(stage, lived)
      await stage.platform.stop()
      const log = `${output.join("\n")}\n${await readFile(logFile, "utf8")}`
      return judge(secrets, lived, { log, title, stored: await filesIn(stage.folder) }, output)
    } finally {
      await stage.close()
    }
  } finally {
    await redis?.remove()
    await logs.remove()
  }
}

interface Secrets {
  /** Nobody may hear of these but whoever sent or asked for them. */
  readonly kept: ReadonlyMap<string, Buffer>
  /** Part of a company's own messages, which its events tell of. */
  readonly told: ReadonlyMap<string, Buffer>
}

async function secretsOf(stage: Stage, { made }: life.Life): Promise<Secrets> {
  const [company] = stage.companies
  const people = await Promise.all([life.CONTACT, life.GUEST].map((number) => stage.phone(number)))
  const lids = await Promise.all(people.map(async (person) => userOf((await person.view()).lid)))
  const text = (entries: Iterable<readonly [string, string]>) =>
    new Map([...entries].map(([name, plain]): [string, Buffer] => [name, Buffer.from(plain)]))
  return {
    kept: text([
      ...made,
      ["the pairing code without its hyphen", (made.get("a pairing code") ?? "").replace("-", "")],
      ["the admin key", ADMIN_KEY],
      ["a key that is none", life.WRONG_KEY],
      ["the server's webhook secret", SERVER_SECRET],
      ["a company's webhook secret", life.COMPANY_SECRET],
      ["the passphrase", ENCRYPTION_KEY],
      ["the password of the store", STORE_PASSWORD],
      ["a number that everybody blocks", BLOCKED_EVERYWHERE],
      ["the password in a URL", life.URL_PASSWORD],
      ["the password of a proxy", life.PROXY_PASSWORD],
      ["a query", life.IN_QUERY],
      ["a header", life.IN_HEADER],
      ["a path", life.IN_PATH],
      ["a caption", life.CAPTION],
      ["an idempotency key", life.IDEMPOTENCY],
      ["the password in a check's error", "canary-health-password"],
      ["the password in a task's error", "canary-background-password"],
    ]),
    told: text([
      ["the company's phone", company?.number ?? ""],
      ["the contact's phone", life.CONTACT],
      ["the guest's phone", life.GUEST],
      ["a number that the company blocks", life.BLOCKED],
      ["the contact's LID", lids[0] ?? ""],
      ["the guest's LID", lids[1] ?? ""],
      ["a push name", life.PUSH_NAME],
      ["a text that was sent", life.SENT],
      ["a text that was received", life.HEARD],
      ["a text of a signed call", life.SIGNED],
    ]),
  }
}

interface Said {
  readonly log: string
  readonly title: string
  readonly stored: readonly Stored[]
}

function judge({ kept, told }: Secrets, lived: life.Life, said: Said, output: readonly string[]): SecretsVerdict {
  const all = new Map([...kept, ...told])
  if ([...all.values()].some((secret) => secret.length < 4)) throw new Error("a secret is missing")
  const place = (name: string, text: string): Stored => ({ name, bytes: Buffer.from(text) })
  const loud = [place("log", said.log), place("failure", lived.failures.join("\n")), place("metric", lived.metrics)]
  const found = { ...search(all, [...loud, place("title", said.title), ...said.stored]).found }
  for (const [name, places] of Object.entries(search(kept, [place("event", lived.events)]).found)) {
    found[name] = [...(found[name] ?? []), ...places]
  }
  const failures: Record<string, number> = {}
  for (const failure of lived.failures) {
    const status = /\d{3}/.exec(failure)?.[0] ?? "none"
    failures[status] = (failures[status] ?? 0) + 1
  }
  const sentences = output.map((line) => /"msg":"((?:[^"\\]|\\.)*)"/.exec(line)?.[1] ?? line.slice(0, 80))
  return {
    found,
    secrets: [...all.keys()],
    logLines: output.length,
    failures,
    events: (lived.events.match(/"position":/g) ?? []).length,
    sentences: [...new Set(sentences)],
  }
}

/** What every user of the machine sees of the process. */
async function titleOf({ platform }: Stage): Promise<string> {
  const files = ["cmdline", "comm", "status"].map((name) => `/proc/${platform.pid}/${name}`)
  return (await Promise.all(files.map((file) => readFile(file, "utf8")))).join("\n")
}
