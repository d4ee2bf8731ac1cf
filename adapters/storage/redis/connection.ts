import { isIP } from "node:net"
import process from "node:process"
import { Redis } from "ioredis"
import type { Clock } from "../../../core/clock.ts"
import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import { StoreFault } from "../../../core/store.ts"
import type { Address } from "./address.ts"
import { isReply, replyFailure } from "./replies.ts"

/** One connection, ready for commands. It is never mended: whoever needs it opens another. */
export interface Connection {
  readonly client: Redis
  /** Resolves when it has ended, with why. */
  readonly gone: Promise<Error>
  /** Before each command: those of one turn of the event loop go out in few pieces. */
  gather(): void
  /** Ends it now. Commands without an answer are rejected. */
  drop(reason: string): void
}

export interface ConnectOptions {
  readonly address: Address
  /** For the connection and all its first commands together. */
  readonly timeoutMs: number
  readonly clock: Clock
  readonly log: Logger
}

const OLDEST = 6
const KEEP_ALIVE_MS = 10_000
/** Commands that go out in one piece: each piece costs a call of the system, and the server begins when it has the first. */
const TOGETHER = 2
/** What TLS says to a server whose certificate or protocol is another one than the URL's. */
const TLS_FAULT = /^(?:ERR_SSL_|ERR_TLS_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/

/**
 * Connects, authenticates, chooses the database and looks whether this server can carry a store. Rejects with a StoreFault
 * when waiting will not mend it, and with a plain error when the server is away.
 */
export async function connect({ address, timeoutMs, clock, log }: ConnectOptions): Promise<Connection> {
  const client = new Redis({
    host: address.host,
    port: address.port,
    ...(address.tls ? { tls: isIP(address.host) === 0 ? { servername: address.host } : {} } : {}),
    lazyConnect: true,
    keepAlive: KEEP_ALIVE_MS,
    connectTimeout: timeoutMs,
    disableClientInfo: true,
    enableReadyCheck: false,
    // Commands wait, are resent and time out above this connection, where their order and their age are known.
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: null,
    retryStrategy: () => null,
  })
  let reason: Error | undefined
  const because = (error: Error): void => {
    reason ??= error
  }
  client.on("error", because)
  const gone = new Promise<Error>((resolve) => {
    client.once("end", () => resolve(reason ?? new Error("The Redis server closed the connection")))
  })
  let dropped = false
  const drop = (text: string): void => {
    if (dropped) return
    dropped = true
    because(new Error(text))
    client.disconnect()
    // Not in turn, but at once: what was written and not sent yet must not go out later.
    client.stream?.destroy()
  }
  const timer = clock.after(timeoutMs, () => drop(`The Redis server did not answer within ${timeoutMs} ms`))
  try {
    await client.connect()
    // The library hears a socket's first error only; a second one would end the process.
    client.stream.on("error", because)
    await greet(client, address, log)
    return { client, gone, gather: gatherer(client.stream), drop }
  } catch (thrown) {
    const error = toError(thrown)
    // What a broken connection rejects with says nothing; what the socket said before does.
    const closed = new Error("The Redis server closed the connection")
    const cause = isReply(error) || error instanceof StoreFault ? error : (reason ?? closed)
    drop("The connection was given up")
    throw faultOf(cause) ?? cause
  } finally {
    timer.cancel()
  }
}

function gatherer(stream: Redis["stream"]): () => void {
  let gathered = 0
  return () => {
    if (gathered++ === 0) {
      stream.cork()
      process.nextTick(() => {
        gathered = 0
        stream.uncork()
      })
    } else if (gathered % TOGETHER === 0) {
      stream.uncork()
      stream.cork()
    }
  }
}

async function greet(client: Redis, address: Address, log: Logger): Promise<void> {
  const { username, password, db } = address
  if (username !== undefined || password !== undefined) {
    const words = username === undefined ? [password ?? ""] : [username, password ?? ""]
    await client.call("AUTH", words).catch((error: unknown) => {
      if (!isReply(error) || !/no password is set|without any password configured/.test(error.message)) throw error
      log.warn({}, "The Redis server lets everybody in: it was given a password and wants none")
    })
  }
  await client.call("PING")
  if (db !== 0) await client.call("SELECT", [String(db)])
  const info = await client.call("INFO", ["server"]).catch((error: unknown) => {
    // A user may be kept from INFO; the store itself needs none of it.
    if (isReply(error) && error.message.startsWith("NOPERM")) return ""
    throw error
  })
  const text = String(info)
  const version = /^redis_version:(\d+)/m.exec(text)?.[1]
  if (version !== undefined && Number(version) < OLDEST) {
    throw new StoreFault("url", `leads to Redis ${version}; it has to be ${OLDEST} or later`)
  }
  if (/^redis_mode:(?:cluster|sentinel)/m.test(text)) {
    throw new StoreFault("url", "leads to a node of a cluster or a sentinel; it has to be a server that holds the data")
  }
}

/** What somebody has to mend, if it is that. */
function faultOf(error: Error): StoreFault | undefined {
  if (error instanceof StoreFault) return error
  const fault = (option: string, message: string): StoreFault => new StoreFault(option, message)
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  if (TLS_FAULT.test(code)) {
    return fault(
      "url",
      `TLS with this server fails (${code}); redis:// is without TLS, and its certificate must be valid`,
    )
  }
  if (error.name === "ParserError") {
    return fault("url", "leads to something that does not speak Redis; rediss:// is for a server with TLS")
  }
  if (!isReply(error)) return undefined
  if (/DB index|invalid DB/i.test(error.message)) return fault("db", "is no database of this server")
  if (/^(?:WRONGPASS|NOAUTH)|invalid password|number of arguments for 'auth'/i.test(error.message)) {
    return fault("url", "the Redis server refuses the user and password; write them as redis://user:password@host")
  }
  if (error.message.startsWith("NOPERM"))
    return fault("url", "the user of this url may not run the commands of a store")
  if (error.message.startsWith("DENIED")) {
    return fault("url", "the Redis server is in protected mode and takes loopback only; give it a password")
  }
  return undefined
}

/** Why a connection could not be had, in words without a secret. */
export function awayReason(error: Error): string {
  if (isReply(error)) return toError(replyFailure(error).cause).message
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined
  return code === undefined ? error.message : `The Redis server cannot be reached (${code})`
}
