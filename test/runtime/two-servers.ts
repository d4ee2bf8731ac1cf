import { startSandbox, type Sandbox, type SandboxPhone } from "../sandbox/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type Answer, type Platform, startPlatform, until } from "../support/platform.ts"
import { type Backing, envOf } from "./backings.ts"
import { connected, linkCompany, session, type StageCompany, wait } from "./stage.ts"
import { createTraffic, promised, type Traffic } from "./traffic.ts"

export interface TwoServersOptions {
  /** A store that both servers reach. */
  readonly backing: Backing
  /** Of the store's claims. */
  readonly leaseMs: number
  /** How often the holder is stopped past its lease, and the other takes over. */
  readonly pauses: number
  /** Texts each way right before the kill: what a store has not been told yet is lost with the holder's disk. */
  readonly busy?: number
  readonly log?: (line: string) => void
}

export interface TwoServersFigures {
  /** What the second server answers while the first lives, and the longest time it took for that. */
  readonly refusals: readonly string[]
  readonly refusedMs: number
  /** From kill -9 of the holder until the line was connected at the other, ms. */
  readonly takenOverMs: number
  /** The same from SIGSTOP on, for each pause. */
  readonly takenOverPausedMs: readonly number[]
  /** What the old holder shows once it runs again, at the restart and after each pause. */
  readonly oldHolder: readonly string[]
  /** Logins that WhatsApp counted beyond the one of each take-over: more of them would be a fight. */
  readonly loginsTooMany: number
  /** Devices that were ever linked, and messages that the contact's phone could not read at once. */
  readonly devices: number
  readonly undecryptable: number
  /** Promised by whichever server had the line, and not at the phone. */
  readonly lost: readonly string[]
}

const NUMBER = "4915112347001"
const CONTACT = "79001238001"
const TAKEN_MS = 60_000
const SHOWN_MS = 30_000
const POLL_MS = 250
/** On a slow machine a store may not answer in time, which is said and can be tried again. */
const NOT_YET = new Set(["409 SESSION_OWNED_ELSEWHERE", "503 STORAGE_UNAVAILABLE"])

/**
 * Two servers with a data folder each, and one line in a store that both reach. Rejects when a server takes the line while
 * the other lives, does not take it when the other is gone, or comes back to a line that is no longer its own.
 */
export async function runTwoServers(options: TwoServersOptions): Promise<TwoServersFigures> {
  const { leaseMs, pauses, log = () => undefined } = options
  const pair = await openPair(options.backing)
  const { sandbox, servers } = pair
  try {
    let [holder, other] = servers
    const company = await linkCompany({ sandbox, platform: holder.platform }, "company-1", NUMBER)
    const contact = await sandbox.phone(CONTACT)
    await talk(holder, company, contact)
    let due = (await company.line.view()).loginsAccepted

    const refusals: string[] = []
    let refusedMs = 0
    for (let i = 0; i < 3; i++) {
      const begun = performance.now()
      refusals.push(said(await initialize(other)))
      refusedMs = Math.max(refusedMs, Math.round(performance.now() - begun))
    }
    await talk(holder, company, contact)

    for (let i = 0; i < (options.busy ?? 0); i++) {
      await holder.traffic.send(company, contact)
      await holder.traffic.write(contact, company)
    }
    const killed = performance.now()
    await holder.platform.kill()
    const takenOverMs = await takeOver(other, company, killed)
    due++
    log(`killed: taken over after ${takenOverMs} ms`)
    await talk(other, company, contact)
    await holder.restart()
    const oldHolder = [await off(holder, company)]
    await wait(2 * leaseMs)
    await talk(other, company, contact)

    const takenOverPausedMs: number[] = []
    for (let pause = 1; pause <= pauses; pause++) {
      ;[holder, other] = [other, holder]
      // Under way when it stops: such a write must not land when it goes on.
      const flying = holder.traffic.send(company, contact)
      const stopped = performance.now()
      process.kill(holder.platform.pid, "SIGSTOP")
      takenOverPausedMs.push(await takeOver(other, company, stopped))
      due++
      await talk(other, company, contact)
      process.kill(holder.platform.pid, "SIGCONT")
      oldHolder.push(await off(holder, company))
      await flying
      await wait(2 * leaseMs)
      await talk(other, company, contact)
      log(`paused: taken over after ${takenOverPausedMs.at(-1)} ms; the old holder: ${oldHolder.at(-1)}`)
    }
    // What a server took before it lost the line goes out when it has it again.
    await other.platform.kill()
    await takeOver(holder, company, performance.now())
    due++
    await talk(holder, company, contact)
    const { loginsAccepted, devices } = await company.line.view()
    return {
      refusals,
      refusedMs,
      takenOverMs,
      takenOverPausedMs,
      oldHolder,
      loginsTooMany: loginsAccepted - due,
      devices: devices.at(-1)?.id ?? 0,
      undecryptable: (await contact.view()).counts.undecryptable,
      lost: await lostOf(servers, contact),
    }
  } finally {
    await pair.close()
  }
}

interface Server {
  readonly platform: Platform
  readonly traffic: Traffic
  restart(): Promise<void>
}

interface Pair {
  readonly sandbox: Sandbox
  readonly servers: readonly [Server, Server]
  close(): Promise<void>
}

async function openPair(backing: Backing): Promise<Pair> {
  const sandbox = await startSandbox()
  const folders = [await temporaryFolder(), await temporaryFolder()] as const
  const env = {
    ...sandbox.env,
    ...envOf([backing]),
    WHATSAPP_LOG_LEVEL: "info",
    WHATSAPP_STORAGE: backing.name,
    // Soon enough to see whether a server that has lost its line leaves it alone.
    WHATSAPP_CLEANUP_INTERVAL: "1000",
  }
  const open = async (name: string, folder: string): Promise<Server> => {
    const start = (): Promise<Platform> =>
      startPlatform({ compiled: true, env: { ...env, WHATSAPP_SESSIONS_PATH: folder } })
    const own = { platform: await start() }
    return {
      get platform() {
        return own.platform
      },
      traffic: createTraffic(own, `${name}: `),
      async restart() {
        own.platform = await start()
      },
    }
  }
  const servers = [await open("first", folders[0].path), await open("second", folders[1].path)] as const
  return {
    sandbox,
    servers,
    async close() {
      for (const { platform } of servers) await platform.kill()
      await sandbox.stop()
      for (const folder of folders) await folder.remove()
    },
  }
}

const initialize = ({ platform }: Server): Promise<Answer> =>
  platform.call("POST", "/api/whatsapp/sessions/company-1/initialize", {})

function said({ status, body }: Answer): string {
  return [status, (body.error as { code?: string } | undefined)?.code ?? ""].join(" ").trim()
}

/** Asks for the line until it is connected there; gives the time since `begun`. */
async function takeOver(server: Server, company: StageCompany, begun: number): Promise<number> {
  let last = ""
  await until(
    () => `the line to be taken over, and not ${last}`,
    TAKEN_MS,
    async () => {
      const answer = await initialize(server)
      last = said(answer)
      if (answer.status >= 300 && !NOT_YET.has(last)) throw new Error(last)
      if (answer.body.data !== undefined && "qr" in (answer.body.data as object)) throw new Error("a QR code is shown")
      return answer.status === 200 ? true : undefined
    },
  )
  await connected(server.platform, company, TAKEN_MS)
  return Math.round(performance.now() - begun)
}

/** What a server shows that has lost its line, once it knows to whom. */
async function off({ platform }: Server, company: StageCompany): Promise<string> {
  let last = ""
  return until(
    () => `the old holder to leave the line alone, and not ${last}`,
    SHOWN_MS,
    async () => {
      const { connected: on, status, lastError } = await session(platform, company)
      last = `${status} ${lastError?.code ?? ""}`.trim()
      return !on && (lastError?.code === "SESSION_OWNED_ELSEWHERE" || status === "replaced") ? last : undefined
    },
  )
}

/** The line sends and receives at this server, and has what it had before. */
async function talk({ platform, traffic }: Server, company: StageCompany, contact: SandboxPhone): Promise<void> {
  const { status, code } = await traffic.send(company, contact)
  if (status !== 200) throw new Error(`a send is answered ${status} ${code ?? ""}`)
  const { text } = await traffic.write(contact, company)
  const path = `/api/whatsapp/messages/${company.id}?direction=inbound`
  await until("what the contact has written", SHOWN_MS, async () => {
    const { body } = await platform.call("GET", path)
    return (body.data as readonly { message: string }[]).some(({ message }) => message === text) ? true : undefined
  })
}

/** What was promised and is not at the phone; waits a while for it. */
async function lostOf(servers: readonly Server[], contact: SandboxPhone): Promise<string[]> {
  const sent = servers.flatMap(({ traffic }) => traffic.sent.filter(promised).map(({ text }) => text))
  const end = performance.now() + SHOWN_MS
  for (;;) {
    const texts = new Set((await contact.messages({ own: false }, 1_000_000)).map(({ text }) => text))
    const lost = sent.filter((text) => !texts.has(text))
    if (lost.length === 0 || performance.now() > end) return lost
    await wait(POLL_MS)
  }
}
