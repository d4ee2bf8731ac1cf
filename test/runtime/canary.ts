import { randomBytes } from "node:crypto"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { startRedis } from "../support/redis-server.ts"
import { startFaultServer } from "../support/s3-fault-server.ts"
import { connected, dataOf, openStage, type Stage, type StageCompany } from "./stage.ts"
import { until } from "../support/platform.ts"

/**
 * A company with unmistakable numbers, texts and keys does everything there is to do; then every byte that is stored of it
 * is searched for them: in files, keys and objects, in names and values, and in what was replaced or deleted.
 */
export interface CanaryVerdict {
  /** What was looked for and found, and where. */
  readonly found: Readonly<Record<string, readonly string[]>>
  /** What was looked for in vain. */
  readonly hidden: readonly string[]
  /** Bytes that were searched. */
  readonly searched: number
  /** Places that were searched: files, keys, objects. */
  readonly places: number
}

export type CanaryStore = "filesystem" | "redis" | "s3"

interface Backend {
  readonly env: Readonly<Record<string, string>>
  /** What is kept outside of the data folder, by name. */
  stored(): Promise<Stored[]>
  stop(): Promise<void>
}

export interface Stored {
  readonly name: string
  readonly bytes: Buffer
}

const CONTACT = "79167770001"
const GUEST = "79167770002"
const SENT = "canary-text-outbound"
const HEARD = "canary-text-inbound"
const GROUPED = "canary-text-group"
const BATCHED = "canary-text-batch"
const DELETED = "canary-text-stopped"
const WIRE_ID = "3EB0CANARY00000000F1"
const KEY = "canary-idempotency-key"
const PASSWORD = "canary-proxy-password"
const NAME = "canary-company-name"
const WAIT_MS = 30_000

export async function runCanary(store: CanaryStore, env: Readonly<Record<string, string>>): Promise<CanaryVerdict> {
  const backend = await backends[store]()
  try {
    const stage = await openStage({
      env: { ...backend.env, WHATSAPP_STORAGE: store, WHATSAPP_RECONNECT_DELAY: "100", ...env },
    })
    try {
      const secrets = await live(stage)
      await stage.platform.stop()
      return search(secrets, [...(await filesIn(stage.folder)), ...(await backend.stored())])
    } finally {
      await stage.close()
    }
  } finally {
    await backend.stop()
  }
}

/** Everything that stores something; gives what must not be found. */
async function live(stage: Stage): Promise<Map<string, Buffer>> {
  const { sandbox, platform } = stage
  const contact = await sandbox.phone(CONTACT, { name: "Canary Contact", read: true })
  const guest = await sandbox.phone(GUEST, { name: "Canary Guest", addressing: "lid" })
  const [company] = await stage.link(1)
  if (company === undefined) throw new Error("no company")
  const { id } = company
  const post = (path: string, body: object, headers?: Record<string, string>) =>
    platform.call("POST", `/api/whatsapp${path}`, body, headers)
  const listed = (text: string): Promise<unknown> =>
    until(`${text} is stored`, WAIT_MS, async () => {
      const { body } = await platform.call("GET", `/api/whatsapp/messages/${id}?limit=200`)
      return (body.data as { message: string }[]).some(({ message }) => message === text) || undefined
    })

  const sent = await post("/send", { companyId: id, phone: CONTACT, message: SENT }, { "idempotency-key": KEY })
  if (sent.status !== 200) throw new Error(JSON.stringify(sent.body))
  await contact.waitFor({ text: SENT }, WAIT_MS)
  await contact.send(company.number, HEARD, WIRE_ID)
  await guest.send(company.number, `${HEARD} of a guest`)
  await Promise.all([HEARD, `${HEARD} of a guest`].map(listed))
  const group = await sandbox.group({ subject: "Canary", creator: CONTACT, members: [company.number, GUEST] })
  await contact.send(group.jid, GROUPED)
  await listed(GROUPED)
  await post("/send", { companyId: id, phone: group.jid, message: `${GROUPED} back` })
  await contact.waitFor({ text: `${GROUPED} back` }, WAIT_MS)
  await batches(stage, company, post)
  await until("a message is read", WAIT_MS, async () => {
    const { body } = await platform.call("GET", `/api/whatsapp/messages/${id}?status=read`)
    return (body.data as unknown[]).length > 0 || undefined
  })
  const creds = await credentialsOf(stage, company)
  const [lidOfContact, lidOfGuest] = [(await contact.view()).lid, (await guest.view()).lid]
  // Last: from here on the line looks for a proxy that is not there.
  const proxy = `http://canary:${PASSWORD}@127.0.0.1:9`
  const put = await platform.call("PUT", `/api/whatsapp/companies/${id}`, { name: NAME, proxy })
  if (put.status !== 200) throw new Error(JSON.stringify(put.body))

  const text = (plain: string): Buffer => Buffer.from(plain)
  return new Map([
    ["the company's phone", text(company.number)],
    ["the contact's phone", text(CONTACT)],
    ["the guest's phone", text(GUEST)],
    ["the contact's LID", text(userOf(lidOfContact))],
    ["the guest's LID", text(userOf(lidOfGuest))],
    ["the group", text(group.jid.split("@")[0] ?? "")],
    ["a text that was sent", text(SENT)],
    ["a text that was received", text(HEARD)],
    ["a text in a group", text(GROUPED)],
    ["a text of a batch", text(BATCHED)],
    ["a text that was stopped", text(DELETED)],
    ["an id that a sender chose", text(WIRE_ID)],
    ["an idempotency key", text(KEY)],
    ["a proxy's password", text(PASSWORD)],
    ["a company's name", text(NAME)],
    ...creds,
  ])
}

type Post = (path: string, body: object, headers?: Record<string, string>) => ReturnType<Stage["platform"]["call"]>

/** One batch that goes out, and one that is stopped while the line is away. */
async function batches(stage: Stage, company: StageCompany, post: Post): Promise<void> {
  const { platform, sandbox } = stage
  const messages = [1, 2, 3].map((number) => ({ phone: CONTACT, message: `${BATCHED} ${number}` }))
  await post("/send/batch", { companyId: company.id, messages })
  await (await sandbox.phone(CONTACT)).waitForCount(3, { contains: BATCHED }, WAIT_MS)
  const fault = await sandbox.fault({ kind: "refuse-login", line: company.number, code: 503 })
  await sandbox.line(company.number).cut()
  await until("the line is away", WAIT_MS, async () => {
    const { body } = await platform.call("GET", `/api/whatsapp/sessions/${company.id}`)
    return dataOf<{ connected: boolean }>({ body } as never).connected ? undefined : true
  })
  const waiting = await post("/send/batch", {
    companyId: company.id,
    messages: [{ phone: GUEST, message: DELETED }],
  })
  const { batchId } = dataOf<{ batchId: string }>(waiting)
  const stopped = await platform.call("DELETE", `/api/whatsapp/send/batch/${batchId}`)
  if (dataOf<{ stopped: number }>(stopped).stopped !== 1) throw new Error(JSON.stringify(stopped.body))
  await fault.clear()
  await connected(platform, company, WAIT_MS)
}

/** The line's private keys, as an export with credentials shows them to the operator. */
async function credentialsOf({ platform }: Stage, { id }: StageCompany): Promise<[string, Buffer][]> {
  const answer = await fetch(new URL(`/api/whatsapp/companies/${id}/export?credentials=true`, platform.url))
  const lines = (await answer.text())
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as { kind: string; type?: string; id?: string; bytes?: string })
  const main = lines.find(({ kind, type, id: record }) => kind === "auth" && type === "creds" && record === "main")
  if (main?.bytes === undefined) throw new Error(`no credentials in the export: ${answer.status}`)
  // One byte says that JSON follows.
  const creds = JSON.parse(Buffer.from(main.bytes, "base64").subarray(1).toString()) as Record<string, unknown>
  const key = (name: string, value: unknown): [string, Buffer] => {
    const bytes = (value as { private?: { $bytes?: string } } | undefined)?.private?.$bytes
    if (bytes === undefined) throw new Error(`no ${name} in the credentials`)
    return [name, Buffer.from(bytes, "base64")]
  }
  return [
    key("the noise key", creds["noiseKey"]),
    key("the identity key", creds["signedIdentityKey"]),
    key("the signed pre-key", (creds["signedPreKey"] as { keyPair?: unknown }).keyPair),
    ["the secret of the companion", Buffer.from(String(creds["advSecretKey"]), "base64")],
  ]
}

export const userOf = (jid: string): string => jid.split(/[:@]/)[0] ?? jid

/** Where which secret stands, in any form in which bytes are written down. */
export function search(secrets: ReadonlyMap<string, Buffer>, stored: readonly Stored[]): CanaryVerdict {
  const found: Record<string, string[]> = {}
  const hidden: string[] = []
  for (const [what, secret] of secrets) {
    const forms = formsOf(secret)
    const places = stored.flatMap(({ name, bytes }) => {
      const form = forms.find(([, needle]) => bytes.includes(needle) || Buffer.from(name).includes(needle))
      return form === undefined ? [] : [`${name} (${form[0]})`]
    })
    if (places.length > 0) found[what] = places
    else hidden.push(what)
  }
  const searched = stored.reduce((sum, { name, bytes }) => sum + name.length + bytes.length, 0)
  return { found, hidden, searched, places: stored.length }
}

/** Every way in which bytes are written down: as they are, in both cases of hex, and in base64 wherever they begin in it. */
function formsOf(secret: Buffer): readonly (readonly [string, Buffer])[] {
  const base64 = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([randomBytes(shift), secret])
      .toString("base64")
      .replace(/=+$/, "")
    // Without the characters that hold bits of what stands before and behind.
    return text.slice(shift === 0 ? 0 : shift + 1, -1)
  })
  return [
    ["as it is", secret],
    ["UTF-16", Buffer.from(secret.toString("latin1"), "utf16le")],
    ["hex", Buffer.from(secret.toString("hex"))],
    ["HEX", Buffer.from(secret.toString("hex").toUpperCase())],
    ...base64.map((text) => ["base64", Buffer.from(text)] as const),
    ...base64.map((text) => ["base64url", Buffer.from(text.replaceAll("+", "-").replaceAll("/", "_"))] as const),
  ]
}

/** Every file below a folder, the pages that a database has let go of included. */
export async function filesIn(folder: string): Promise<Stored[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return Promise.all(
    files.map(async (entry) => {
      const path = join(entry.parentPath, entry.name)
      return { name: path.slice(folder.length + 1), bytes: await readFile(path) }
    }),
  )
}

const backends: Readonly<Record<CanaryStore, () => Promise<Backend>>> = {
  filesystem: async () => ({ env: {}, stored: async () => [], stop: async () => undefined }),

  async redis() {
    const server = await startRedis()
    return {
      env: { REDIS_URL: server.url },
      /** Its log of every command it ever took, and what it holds. */
      async stored() {
        const client = server.client()
        const stored = await filesIn(server.folder)
        for (const key of await client.keys("*")) {
          stored.push({ name: `redis ${key}`, bytes: (await client.dumpBuffer(key)) ?? Buffer.alloc(0) })
        }
        return stored
      },
      stop: () => server.remove(),
    }
  },

  async s3() {
    const server = await startFaultServer()
    const { endpoint = "", bucket = "", accessKeyId = "", secretAccessKey = "" } = server.options
    return {
      env: {
        S3_ENDPOINT: endpoint,
        S3_BUCKET: bucket,
        S3_ACCESS_KEY_ID: accessKeyId,
        S3_SECRET_ACCESS_KEY: secretAccessKey,
        S3_REGION: "us-east-1",
      },
      /** Everything it was ever sent: versions of objects that are no more would hold it. */
      stored: async () =>
        server.requests.map(({ method, key, body }, at) => ({ name: `s3 ${at} ${method} ${key}`, bytes: body })),
      stop: () => server.stop(),
    }
  },
}
