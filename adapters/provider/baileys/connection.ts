import { isAppError, appError, toError } from "../../../core/errors.ts"
import type { Timer } from "../../../core/clock.ts"
import type { CloseReason, ConnectInput, Connection, ProviderEvent } from "../../../core/provider.ts"
import type { Restriction } from "../../../core/types.ts"
import { detailOf } from "./close-reason.ts"
import { createEndurance } from "./endurance.ts"
import { createLineStore } from "./line-store.ts"
import { openLine, type Line } from "./line.ts"
import type { Library } from "./load-baileys.ts"
import { leave, ping } from "./questions.ts"
import { sweepQueries } from "./query-sweep.ts"
import type { Settings } from "./settings.ts"
import { wire } from "./wiring.ts"

export interface ConnectionContext {
  readonly library: Library
  readonly settings: Settings
  /** Resolves when the writes of an earlier connection of this company have settled. */
  readonly after: Promise<void>
  /** How long a store may be unusable before the socket is closed, so that WhatsApp keeps what comes. */
  readonly outageLimitMs: number
  /** How long a send may stay unsettled before the connection is given up. */
  readonly sendDeadlineMs: number
}

export interface OpenedConnection extends Connection {
  /** Resolves when the connection has ended and none of its writes is under way. */
  readonly settled: Promise<void>
}

export interface Ending {
  readonly reason: CloseReason
  readonly code?: number | null
  readonly detail?: string
}

const FLUSH_MS = 5_000
const LINKED_MS = 30_000
const LOGOUT_ANSWER_MS = 5_000

/** One socket from its opening to its last event. */
export function openConnection(input: ConnectInput, context: ConnectionContext): OpenedConnection {
  const { clock, log, connectTimeoutMs } = input.options
  let starting: Promise<void> = Promise.resolve()
  let line: Line | undefined
  let ending: Ending | undefined
  let watchdog: Timer | undefined
  let sweep: Timer | undefined
  let linking: Promise<void> | undefined
  let restriction: Restriction | null = null
  let opened = false
  let told = false

  const endurance = createEndurance({
    clock,
    log,
    limitMs: context.outageLimitMs,
    onExhausted: () => end({ reason: "storage-unavailable" }),
    onHopeless: (error) => {
      const fenced = isAppError(error) && error.code === "FENCED"
      // Whoever claims the line anew learns whether another process has it.
      end({ reason: fenced ? "storage-unavailable" : "credentials-damaged", detail: error.message })
    },
  })
  const store = createLineStore(input.auth, endurance)
  let finished: () => void
  const done = new Promise<void>((resolve) => {
    finished = resolve
  })

  function emit(event: ProviderEvent): void {
    if (told || (ending && event.type !== "close" && event.type !== "linked")) return
    told = event.type === "close"
    opened ||= event.type === "open"
    input.emit(event)
  }
  function end(how: Ending): void {
    if (ending) return
    ending = how
    watchdog?.cancel()
    input.signal.removeEventListener("abort", onAbort)
    void finish(how)
  }
  function onAbort(): void {
    end({ reason: "closed-by-us" })
  }
  function watch(): void {
    watchdog?.cancel()
    watchdog = clock.after(connectTimeoutMs, () =>
      end({ reason: "unreachable", code: 408, detail: "WhatsApp did not answer in time" }),
    )
  }
  /** True when the task settled in time. */
  async function within(ms: number, task: Promise<unknown>): Promise<boolean> {
    const limit = new AbortController()
    const settledFirst = task.then(
      () => true,
      () => true,
    )
    const tooLate = clock.sleep(ms, limit.signal).then(
      () => false,
      () => false,
    )
    const inTime = await Promise.race([settledFirst, tooLate])
    limit.abort()
    return inTime
  }
  async function finish({ reason, code = null, detail = detailOf(reason) }: Ending): Promise<void> {
    const cause = new Error(detail)
    // Whatever the start waits for in the store, nothing of it is needed any more.
    if (!line) endurance.end(cause)
    await starting
    line?.sender.end(cause)
    line?.pairing.end(cause)
    await line?.hangup.now()
    let said = reason
    if (reason !== "storage-unavailable") {
      const kept = await within(linking ? LINKED_MS : FLUSH_MS, Promise.all([linking, store.durable()]))
      if (linking && !kept) said = "storage-unavailable"
    }
    endurance.end(cause)
    sweep?.cancel()
    line?.sock.ws.removeAllListeners()
    // A socket that is torn down while it opens reports that as an error.
    line?.sock.ws.on("error", () => undefined)
    emit({ type: "close", reason: said, code, detail: said === reason ? detail : detailOf(said) })
    finished()
  }
  /** The answer comes as a `restriction` event, if WhatsApp gives one; without it the end is not known. */
  function askHowLong(): void {
    line?.sock.fetchAccountReachoutTimelock().catch((thrown: unknown) => {
      log.debug({ error: toError(thrown).message }, "WhatsApp did not say how long the restriction lasts")
    })
  }
  async function start(): Promise<void> {
    await endurance.run(() => context.after)
    line = await openLine({
      ...context,
      input,
      store,
      endurance,
      emit,
      restriction: () => restriction,
      onBarred: () => askHowLong(),
      onStuck: () =>
        end({ reason: "unreachable", code: 408, detail: "WhatsApp did not acknowledge a message in time" }),
      onClosing: () => line?.hangup.soon(),
    })
    if (!ending) watch()
    sweep = sweepQueries(line.sock.ws, clock)
    wire({
      line,
      clock,
      log,
      emit,
      end,
      waiting: () => ending ?? watch(),
      arrived: () => watchdog?.cancel(),
      linked: (saved) => {
        linking = saved
      },
      restricted: (now) => {
        restriction = now
        emit({ type: "restriction", restriction: now })
      },
    })
  }

  input.signal.addEventListener("abort", onAbort)
  if (input.signal.aborted) onAbort()
  else {
    starting = start().catch((thrown: unknown) => {
      // A failing store has already ended the connection with its own reason.
      end({ reason: "unknown", detail: toError(thrown).message })
    })
  }

  const closed = (): Error => new Error(detailOf(ending?.reason ?? "closed-by-us"))
  const ready = (): Line => {
    if (line && !ending && opened) return line
    throw ending ? closed() : new Error("The line is not connected yet")
  }
  return {
    settled: done.then(() => store.settled()),
    async send(message) {
      if (!line || ending) return { outcome: "not-sent", cause: closed() }
      if (!opened) return { outcome: "not-sent", cause: new Error("The line is not connected yet") }
      return line.sender.send(message)
    },
    async prove(timeoutMs) {
      if (!line || ending) throw closed()
      await ping(line.sock, clock, timeoutMs)
      emit({ type: "proof" })
    },
    async lookup(phone, timeoutMs) {
      return ready().courtesies.lookup(phone, timeoutMs)
    },
    async presence(presence, timeoutMs) {
      return ready().courtesies.presence(presence, timeoutMs)
    },
    async pairingCode(phone) {
      if (!line || ending) throw appError("PAIRING_REFUSED", { message: "There is no connection to pair" })
      return line.pairing.requestCode(phone)
    },
    async logout() {
      if (line && !ending) await leave(line.sock, clock, LOGOUT_ANSWER_MS)
      end({ reason: "logged-out" })
      await done
    },
    async close() {
      end({ reason: "closed-by-us" })
      await done
    },
  }
}
