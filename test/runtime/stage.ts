import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startSandbox, type LineView, type Sandbox, type SandboxLine, type SandboxPhone } from "../sandbox/index.ts"
import { type Answer, type Platform, type PlatformOptions, startPlatform, until } from "../support/platform.ts"

/** A sandbox, a data folder, and the server on it: everything as processes, so that they can be killed. */
export interface Stage {
  readonly sandbox: Sandbox
  /** The data folder; outlives the server. */
  readonly folder: string
  readonly companies: readonly StageCompany[]
  /** The server that was started last. */
  readonly platform: Platform
  /** Starts the server, on the same data folder each time. */
  start(env?: Readonly<Record<string, string>>): Promise<Platform>
  /** Links new companies by QR code, a few at a time, until there are `count`. */
  link(count: number): Promise<readonly StageCompany[]>
  phone(number: string): Promise<SandboxPhone>
  /** Ends everything and removes the data. */
  close(): Promise<void>
}

export interface StageCompany {
  readonly id: string
  readonly number: string
  readonly phone: SandboxPhone
  readonly line: SandboxLine
}

export interface SessionView {
  readonly status: string
  readonly connected: boolean
  readonly reconnectAttempts: number
  readonly lastError: { readonly code: string; readonly message: string } | null
}

const FIRST_NUMBER = 4915112346000
const LINKED_AT_A_TIME = 3
const INITIALIZED = 3
const QUIET = { WHATSAPP_LOG_LEVEL: "info" }

export interface StageOptions {
  /** A data folder that is there already, and stays. */
  readonly folder?: string
}

/** Opens a stage with the server started and no company linked. */
export async function openStage(options: Partial<PlatformOptions> & StageOptions = {}): Promise<Stage> {
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), "switchboard-")))
  const sandbox = await startSandbox()
  const companies: StageCompany[] = []
  let platform: Platform | undefined

  const stage: Stage = {
    sandbox,
    folder,
    companies,
    get platform() {
      if (platform === undefined) throw new Error("the server has not been started")
      return platform
    },
    async start(env = {}) {
      const given = { ...QUIET, ...sandbox.env, ...options.env, ...env, WHATSAPP_SESSIONS_PATH: folder }
      platform = await startPlatform({ ...options, env: given })
      return platform
    },
    async link(count) {
      const fresh: Promise<StageCompany>[] = []
      while (companies.length + fresh.length < count) {
        for (let i = companies.length + fresh.length; fresh.length < LINKED_AT_A_TIME && i < count; i++) {
          fresh.push(linkCompany(stage, `company-${i + 1}`, String(FIRST_NUMBER + i)))
        }
        companies.push(...(await Promise.all(fresh.splice(0))))
      }
      return companies
    },
    phone: (number) => sandbox.phone(number),
    async close() {
      await platform?.kill()
      await sandbox.stop()
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true })
    },
  }
  try {
    await stage.start()
  } catch (fault) {
    await stage.close()
    throw fault
  }
  return stage
}

/** Links a company by its QR code, as a phone of that number. */
export async function linkCompany(
  { sandbox, platform }: Pick<Stage, "sandbox" | "platform">,
  id: string,
  number: string,
): Promise<StageCompany> {
  const phone = await sandbox.phone(number, { name: id })
  const line = sandbox.line(number)
  const initialize = () => platform.call("POST", `/api/whatsapp/sessions/${id}/initialize`, {})
  // On a slow machine a store may not answer in time, which can be tried again.
  let begun = await initialize()
  for (let tries = 0; begun.status === 503 && tries < INITIALIZED; tries++) begun = await initialize()
  const { qr } = dataOf<{ qr?: string }>(begun)
  if (qr === undefined) throw new Error(`${id} shows no QR code: ${JSON.stringify(begun.body)}`)
  await phone.link(qr)
  await line.waitFor({ connected: true }, 30_000)
  await connected(platform, { id }, 30_000)
  return { id, number, phone, line }
}

export function dataOf<T>(answer: Answer): T {
  return (answer.body.data ?? {}) as T
}

export async function session(platform: Platform, { id }: Pick<StageCompany, "id">): Promise<SessionView> {
  return dataOf<SessionView>(await platform.call("GET", `/api/whatsapp/sessions/${id}`))
}

/** Resolves when the line is connected; rejects with its status after `ms`. */
export async function connected(platform: Platform, company: Pick<StageCompany, "id">, ms: number): Promise<void> {
  let last: SessionView | undefined
  await until(
    () => `${company.id} is connected, and not ${JSON.stringify(last)}`,
    ms,
    async () => {
      last = await session(platform, company)
      return last.connected ? true : undefined
    },
  )
}

/** Throws unless every line is still the one device that was linked once, and none has shown a QR code since. */
export async function linkedOnce(stage: Stage): Promise<void> {
  const views = await Promise.all(stage.companies.map(({ line }) => line.view()))
  const wrong = views.filter((view: LineView) => view.devices.length !== 1 || view.devices[0]?.id !== 1)
  if (wrong.length > 0) throw new Error(`linked again: ${JSON.stringify(wrong.map((view) => view.devices))}`)
  const registrations = (await stage.sandbox.log()).filter(({ event }) => event === "registration").length
  if (registrations > stage.companies.length) throw new Error(`${registrations} QR codes were asked for`)
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
