import { type AppError, appError } from "../../core/errors.ts"
import { placeHome } from "../../core/homes/record.ts"
import type { Homes } from "../../core/homes/homes.ts"
import type { Lease, Ownership } from "../../core/ownership.ts"
import type {
  AuthFacts,
  CloseReason,
  Connection,
  ConnectInput,
  OutgoingMessage,
  Presence,
  Provider,
  ProviderEvent,
  SendOutcome,
} from "../../core/provider.ts"
import type { AuthStore } from "../../core/store.ts"
import type { Contact, LineUser } from "../../core/types.ts"

/** A provider whose WhatsApp is the test: nothing happens on a line but what the test makes happen. */
export interface FakeProvider extends Provider {
  /** Every connection ever begun, oldest first. */
  readonly connections: readonly FakeConnection[]
  /** The newest connection of a company. Throws when there is none. */
  line(company: string): FakeConnection
  /** What a send does when the test does not decide each by itself; `hold` waits for `answer`. */
  policy: (message: OutgoingMessage, company: string) => SendOutcome | "hold"
  /** Phones that are on WhatsApp. */
  readonly contacts: Map<string, Contact>
  /** False: connections come without the abilities that a provider need not have. */
  able: boolean
  /** Runs at every connect, before it is under way. */
  onConnect: ((connection: FakeConnection) => Promise<void> | void) | undefined
}

export interface FakeConnection {
  readonly company: string
  readonly input: ConnectInput
  readonly sent: readonly OutgoingMessage[]
  readonly closed: boolean
  readonly loggedOut: boolean
  readonly presences: readonly Presence[]
  /** Round trips that were asked for. */
  readonly proofs: number
  /** False: WhatsApp does not answer a round trip. */
  alive: boolean
  /** True: a round trip comes to no end at all. */
  mute: boolean
  emit(event: ProviderEvent): void
  qr(text: string, expiresInMs?: number, refreshed?: boolean): void
  pairingCode(code: string, expiresInMs?: number): void
  /** Pairing ends well; WhatsApp then asks for a restart. */
  link(): Promise<void>
  /** The line is connected, with credentials stored. */
  open(): Promise<void>
  end(reason: CloseReason, code?: number | null, detail?: string): void
  /** Decides a send that is held. */
  answer(messageId: string, outcome: SendOutcome): void
  readonly held: readonly string[]
}

export const userOf = (company: string): LineUser => ({
  id: `${company}@s.whatsapp.net`,
  phone: "79000000001",
  lid: "100000000000001",
  name: company,
})

export const acknowledged = (at: number): SendOutcome => ({ outcome: "acknowledged", at })

export function createFakeProvider(now: () => number): FakeProvider {
  const connections: FakeConnection[] = []

  const provider: FakeProvider = {
    name: "fake",
    connections,
    contacts: new Map(),
    able: true,
    policy: () => acknowledged(now()),
    onConnect: undefined,
    line(company) {
      const found = connections.findLast((connection) => connection.company === company)
      if (found === undefined) throw new Error(`${company} has no connection`)
      return found
    },
    encode: (content) => new TextEncoder().encode(content.type === "text" ? content.text : ""),
    async linked(auth) {
      return (await auth.load("creds", ["creds"])).creds !== undefined
    },
    async importAuth(files) {
      const creds = files.get("creds.json")
      const facts = factsOf(creds)
      const problems = [...files.keys()].flatMap((file) => {
        if (file === "creds.json" && facts !== undefined) return []
        return file.startsWith("key-") ? [] : [{ file, message: "It is damaged", fatal: file === "creds.json" }]
      })
      const keys = [...files].filter(([file]) => file.startsWith("key-"))
      const auth = creds === undefined || facts === undefined ? {} : { creds: { creds }, key: Object.fromEntries(keys) }
      return { auth, facts, problems }
    },
    describeAuth: async (auth) => factsOf((await auth.load("creds", ["creds"])).creds),
    async connect(input) {
      const { fake, connection } = createConnection(input, provider, now)
      connections.push(fake)
      await provider.onConnect?.(fake)
      return connection
    },
  }
  return provider
}

/** A file of credentials that the provider can import. */
export function fakeCreds(phone: string, identity: string, steps: number): string {
  return JSON.stringify({ phone, identity, steps })
}

/** One byte: credentials that were made here. */
function factsOf(creds: Uint8Array | undefined): AuthFacts | undefined {
  if (creds === undefined) return undefined
  const made = { phone: "79000000001", identity: "made here", steps: creds[0] ?? 0 }
  const text = new TextDecoder().decode(creds)
  if (creds.length !== 1 && !text.startsWith("{")) return undefined
  const { phone, identity, steps } = creds.length === 1 ? made : (JSON.parse(text) as typeof made)
  const user = { id: `${phone}@s.whatsapp.net`, phone, lid: null, name: null }
  return { user, device: 1, identity, registrationId: 1, counters: { steps } }
}

/** Auth stores in memory that can be told to fail. */
export interface FakeAuths {
  open(company: string, lease: Lease): AuthStore
  /** Companies with complete credentials. */
  readonly stored: Map<string, Map<string, Uint8Array>>
  /** What every call for the company throws, or never answers. */
  readonly faults: Map<string, AppError | "hang">
  readonly evicted: string[]
}

export function createFakeAuths(): FakeAuths {
  const stored: FakeAuths["stored"] = new Map()
  const faults: FakeAuths["faults"] = new Map()
  const check = async (company: string, lease: Lease): Promise<void> => {
    if (lease.lost.aborted) throw appError("FENCED")
    const fault = faults.get(company)
    if (fault === "hang") await new Promise(() => undefined)
    else if (fault !== undefined) throw fault
  }
  return {
    stored,
    faults,
    evicted: [],
    open: (company, lease) => ({
      async load(type, ids) {
        await check(company, lease)
        const found: Record<string, Uint8Array> = {}
        for (const id of ids) {
          const value = stored.get(company)?.get(`${type}/${id}`)
          if (value !== undefined) found[id] = value
        }
        return found
      },
      async save(batch) {
        await check(company, lease)
        const records = stored.get(company) ?? new Map<string, Uint8Array>()
        for (const [type, values] of Object.entries(batch)) {
          for (const [id, value] of Object.entries(values)) {
            if (value === null) records.delete(`${type}/${id}`)
            else records.set(`${type}/${id}`, value)
          }
        }
        stored.set(company, records)
      },
      async clear() {
        await check(company, lease)
        stored.delete(company)
      },
    }),
  }
}

/** One store, which every company is in. */
export function createFakeHomes(auths: FakeAuths, ownership: Ownership): Homes {
  const still = (): never => {
    throw new Error("Nothing moves or is tended here")
  }
  return {
    standard: "filesystem",
    nameOf: () => "filesystem",
    learn: async () => undefined,
    forget: () => undefined,
    async open(company) {
      const lease = await ownership.claim(company)
      if (lease === undefined) throw appError("SESSION_OWNED_ELSEWHERE")
      return { store: "filesystem", lease, auth: auths.open(company, lease), release: lease.release }
    },
    evict: async (company) => void auths.evicted.push(company),
    alone: (_company, work) => work(),
    place: (home) => ({ op: "put", ...placeHome(home) }),
    placed: () => undefined,
    checkRoom: async () => undefined,
    copy: still,
    eraseIn: async (company) => void auths.stored.delete(company),
    tend: still,
  }
}

const COMPLETE = { creds: { creds: Uint8Array.of(1) } }

function createConnection(
  input: ConnectInput,
  provider: FakeProvider,
  now: () => number,
): { fake: FakeConnection; connection: Connection } {
  const { company } = input
  const sent: OutgoingMessage[] = []
  const presences: Presence[] = []
  const held = new Map<string, (outcome: SendOutcome) => void>()
  let closed = false
  let loggedOut = false
  let proofs = 0

  const drop = (): void => {
    closed = true
    for (const [id, decide] of [...held]) {
      held.delete(id)
      decide({ outcome: "unknown", cause: new Error("The connection is gone") })
    }
  }
  input.signal.addEventListener("abort", drop)

  const fake: FakeConnection = {
    company,
    input,
    sent,
    presences,
    alive: true,
    mute: false,
    get closed() {
      return closed
    },
    get loggedOut() {
      return loggedOut
    },
    get proofs() {
      return proofs
    },
    get held() {
      return [...held.keys()]
    },
    emit: (event) => input.emit(event),
    qr: (text, expiresInMs = 60_000, refreshed = false) =>
      input.emit({ type: "qr", qr: text, expiresAt: now() + expiresInMs, refreshed }),
    pairingCode: (code, expiresInMs = 160_000) =>
      input.emit({ type: "pairing-code", code, expiresAt: now() + expiresInMs }),
    async link() {
      await input.auth.save(COMPLETE)
      input.emit({ type: "linked", user: userOf(company) })
      fake.end("restart-required", 515)
    },
    async open() {
      if (!(await provider.linked(input.auth))) await input.auth.save(COMPLETE)
      input.emit({ type: "open", user: userOf(company) })
    },
    end(reason, code = null, detail = "") {
      drop()
      input.emit({ type: "close", reason, code, detail })
    },
    answer(messageId, outcome) {
      const decide = held.get(messageId)
      if (decide === undefined) throw new Error(`${messageId} is not held`)
      held.delete(messageId)
      decide(outcome)
    },
  }

  const connection: Connection = {
    async send(message) {
      if (closed) return { outcome: "not-sent", cause: new Error("The connection is gone") }
      sent.push(message)
      const outcome = provider.policy(message, company)
      if (outcome !== "hold") return outcome
      return new Promise((resolve) => held.set(message.id, resolve))
    },
    async prove() {
      proofs++
      if (fake.mute) return new Promise(() => undefined)
      if (!fake.alive) throw new Error("No answer")
    },
    ...(provider.able && {
      async lookup(phone) {
        if (!fake.alive) throw new Error("No answer")
        return provider.contacts.get(phone)
      },
      async presence(presence) {
        if (!fake.alive) throw new Error("No answer")
        presences.push(presence)
      },
    }),
    async logout() {
      loggedOut = true
    },
    async close() {
      drop()
    },
  }
  return { fake, connection }
}
