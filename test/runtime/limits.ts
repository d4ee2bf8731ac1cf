import { type RedisServer, startRedis } from "../support/redis-server.ts"
import { openStage, type Stage } from "./stage.ts"

/** Two servers, each with lines of the same companies, that share a Redis server and so the companies' limits. */
export interface LimitsStage {
  readonly redis: RedisServer
  /** Sends `count` messages of a company at once from each server. */
  burst(count: number, company?: string): Promise<readonly Sent[]>
  /** Sends from both servers, one message every `everyMs`, for `forMs`. */
  stream(everyMs: number, forMs: number): Promise<readonly Sent[]>
  /** What the servers have said of the limits that they share. */
  readonly said: string[]
  close(): Promise<void>
}

/** Somewhere between these two moments of one clock the server judged the send. */
export interface Sent {
  readonly server: number
  readonly status: number
  readonly asked: number
  readonly answered: number
}

export interface LimitsOptions {
  readonly limit: number
  readonly windowMs: number
  readonly companies?: number
}

const CONTACT = "79001236001"

export async function openLimits({ limit, windowMs, companies = 1 }: LimitsOptions): Promise<LimitsStage> {
  const redis = await startRedis({ keep: "everysec" })
  const stages: Stage[] = []
  const said: string[] = []
  const close = async (): Promise<void> => {
    await Promise.all(stages.map((stage) => stage.close()))
    await redis.remove()
  }
  const env = {
    REDIS_URL: redis.url,
    WHATSAPP_RATE_LIMIT_PER_COMPANY: String(limit),
    WHATSAPP_RATE_LIMIT_WINDOW: String(windowMs),
  }
  const output = (line: string): void => {
    if (line.includes("limits that processes share")) said.push(line)
  }
  try {
    for (let at = 0; at < 2; at++) {
      const stage = await openStage({ env, compiled: true, output })
      stages.push(stage)
      await stage.link(companies)
      await stage.phone(CONTACT)
    }
  } catch (thrown) {
    await close()
    throw thrown
  }

  const send = async (server: number, companyId = "company-1"): Promise<Sent> => {
    const { platform } = stages[server] as Stage
    const body = { companyId, phone: CONTACT, message: "hello" }
    const asked = performance.now()
    const { status } = await platform.call("POST", "/api/whatsapp/send", body, { prefer: "respond-async" })
    return { server, status, asked, answered: performance.now() }
  }

  return {
    redis,
    said,
    burst: (count, company) => Promise.all(Array.from({ length: 2 * count }, (_, at) => send(at % 2, company))),
    async stream(everyMs, forMs) {
      const all: Promise<Sent>[] = []
      const end = performance.now() + forMs
      for (let next = performance.now(); next < end; next += everyMs) {
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, next - performance.now())))
        all.push(send(0), send(1))
      }
      return Promise.all(all)
    },
    close,
  }
}

export const accepted = (sends: readonly Sent[]): Sent[] => sends.filter(({ status }) => status === 202)

/**
 * The most messages that have surely been accepted within any window of that length: each of them after it was asked for and
 * before it was answered.
 */
export function mostInAnyWindow(sends: readonly Sent[], windowMs: number): number {
  const all = accepted(sends)
  const within = (from: number): number =>
    all.filter(({ asked, answered }) => asked >= from && answered < from + windowMs).length
  return Math.max(0, ...all.map(({ asked }) => within(asked)))
}
