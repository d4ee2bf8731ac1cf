import type { Redis } from "ioredis"
import type { Clock } from "../../../core/clock.ts"
import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import { StoreFault } from "../../../core/store.ts"
import type { Address } from "./address.ts"
import { awayReason, connect, type Connection } from "./connection.ts"
import { wrongProtocol } from "./protocol.ts"
import { isReadOnly, isReply, replyFailure, unavailable } from "./replies.ts"

export interface LinkOptions {
  readonly address: Address
  /** How long a command waits for a connection, and how long for its answer. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Logger
}

export interface RunOptions {
  /** May be sent again when the connection breaks before the answer. */
  readonly repeat: boolean
}

/** A connection that heals. */
export interface Link {
  /**
   * Does `work` on a live connection. Rejects with STORAGE_UNAVAILABLE when there is none in time, when no answer comes in
   * time, and at once when the server has been away for longer; with CREDENTIALS_DAMAGED for a key of another type.
   */
  run<T>(work: (client: Redis) => Promise<T>, options: RunOptions): Promise<T>
  /** Rejects for want of room, a moment later: whoever tries again at once must not keep everything else from running. */
  refuse(): Promise<never>
  /** The first attempt to connect is over. Rejects with a StoreFault, not when the server is away. */
  opened(): Promise<void>
  /** What somebody has to mend before there can be a connection, if the last attempt said so. */
  fault(): StoreFault | undefined
  /** Waits for what is under way. */
  close(): Promise<void>
}

const FIRST_DELAY_MS = 50
const LONGEST_DELAY_MS = 2_000
/** Beyond these nobody waits any more: they are refused at once. */
const MOST_CALLS = 20_000
/** Between the end of the time for an answer and giving the connection up: what came while the process was busy is read. */
const GRACE_MS = 100
/** Nobody is refused sooner than after this, while the server is away. */
const BRAKE_MS = 20

const LATE = Symbol("no answer in time")

export function createLink({ address, timeoutMs, clock, log }: LinkOptions): Link {
  const closing = new AbortController()
  const waiting = new Set<() => void>()
  let current: Connection | undefined
  let awaySince = clock.monotonic()
  let why = "The Redis server has not been reached yet"
  let told = ""
  let fault: StoreFault | undefined
  let calls = 0
  let idle = (): void => undefined

  function wake(): void {
    for (const resume of [...waiting]) resume()
  }

  function isAway(error: Error): void {
    fault = error instanceof StoreFault ? error : undefined
    why = fault === undefined ? awayReason(error) : `${fault.option}: ${fault.message}`
    if (told !== why) log.warn({ reason: why }, "The Redis server is away; its companies wait")
    told = why
  }

  async function connectOnce(): Promise<void> {
    const connection = await connect({ address, timeoutMs, clock, log })
    if (closing.signal.aborted) return connection.drop("The store is closed")
    if (told !== "") log.info({}, "The Redis server is back")
    told = ""
    fault = undefined
    current = connection
    void connection.gone.then((error) => {
      if (current !== connection) return
      current = undefined
      awaySince = clock.monotonic()
      if (!closing.signal.aborted) isAway(error)
    })
    wake()
  }

  async function stayConnected(first: Promise<void>): Promise<void> {
    let attempt = first
    let delay = FIRST_DELAY_MS
    while (!closing.signal.aborted) {
      try {
        await attempt
        delay = FIRST_DELAY_MS
        await current?.gone
      } catch (error) {
        isAway(toError(error))
      }
      // Ended by closing, which the loop sees.
      await clock.sleep(delay * (0.5 + Math.random() / 2), closing.signal).catch(() => undefined)
      delay = Math.min(delay * 2, LONGEST_DELAY_MS)
      if (!closing.signal.aborted) attempt = connectOnce()
    }
  }

  const first = connectOnce().catch(async (error: unknown) => {
    if (error instanceof StoreFault || closing.signal.aborted) throw error
    throw (await wrongProtocol(address, clock)) ?? error
  })
  const ended = stayConnected(first)

  /** A live connection, waited for as long as a command asked for at `since` may, and no longer after it was lost. */
  async function ready(since: number): Promise<Connection> {
    for (;;) {
      if (current !== undefined) return current
      if (closing.signal.aborted) throw unavailable("The store is closed")
      const end = Math.max(since + BRAKE_MS, Math.min(since, awaySince) + timeoutMs)
      const left = end - clock.monotonic()
      if (left <= 0) throw unavailable(why)
      await new Promise<void>((resolve) => {
        const resume = (): void => {
          timer.cancel()
          waiting.delete(resume)
          resolve()
        }
        const timer = clock.after(left, resume)
        waiting.add(resume)
      })
    }
  }

  /** `work` on this connection, or LATE: then the connection is given up, since nothing says that it still works. */
  function attempt<T>(connection: Connection, work: (client: Redis) => Promise<T>): Promise<T | typeof LATE> {
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        resolve(LATE)
        connection.drop(`The Redis server did not answer within ${timeoutMs} ms`)
      }
      let timer = clock.after(timeoutMs, () => {
        timer = clock.after(GRACE_MS, giveUp)
      })
      connection.gather()
      work(connection.client).then(
        (value) => {
          timer.cancel()
          resolve(value)
        },
        (error: unknown) => {
          timer.cancel()
          reject(toError(error))
        },
      )
    })
  }

  async function send<T>(work: (client: Redis) => Promise<T>, repeat: boolean): Promise<T> {
    const since = clock.monotonic()
    for (;;) {
      const connection = current ?? (await ready(since))
      try {
        const value = await attempt(connection, work)
        if (value !== LATE) return value
        await connection.gone
      } catch (error) {
        if (isReadOnly(error)) connection.drop("The Redis server has become a replica")
        if (isReply(error)) throw replyFailure(error)
        // The connection broke: `gone` tells the same a moment later.
        if (current === connection) connection.drop("The connection broke")
        await connection.gone
        if (repeat && !closing.signal.aborted) continue
      }
      throw unavailable(why)
    }
  }

  async function refuse(): Promise<never> {
    await clock.sleep(BRAKE_MS)
    throw unavailable("Too much waits for the Redis server")
  }

  return {
    refuse,

    async run(work, { repeat }) {
      if (closing.signal.aborted) throw unavailable("The store is closed")
      if (calls >= MOST_CALLS) return refuse()
      calls++
      try {
        return await send(work, repeat)
      } finally {
        if (--calls === 0) idle()
      }
    },

    async opened() {
      try {
        await first
      } catch (error) {
        if (error instanceof StoreFault) throw error
      }
    },

    fault: () => fault,

    async close() {
      closing.abort(new Error("The store is closed"))
      wake()
      if (calls > 0) {
        await new Promise<void>((resolve) => {
          idle = resolve
        })
      }
      current?.drop("The store is closed")
      await ended
    },
  }
}
