import { isUrlRefused } from "../egress.ts"
import { isAppError, toError } from "../errors.ts"
import type { Logger } from "../log.ts"
import type { CloseReason, Connection, ConnectInput, LineProxy, Provider, ProviderEvent } from "../provider.ts"
import type { AuthStore } from "../store.ts"

/** One try to connect, from the claim of the line to the last byte written. */
export interface Attempt {
  /** There once the provider is under way. */
  readonly connection: Connection | undefined
  /** Ends it without logging out, at once for events, and resolves when nothing of it is left. */
  end(): Promise<void>
}

export interface AttemptDeps {
  readonly company: string
  readonly provider: Provider
  readonly log: Logger
  /** The attempt before: two connections of one line would throw each other out. */
  readonly after: Promise<void>
  /** Claims the line and opens its credentials; `signal` ends a wait for them. */
  openAuth(signal: AbortSignal): Promise<AuthStore>
  /** How to link when there are no complete credentials; undefined: do not. */
  readonly link: ConnectInput["link"] | undefined
  readonly input: Pick<ConnectInput, "intake" | "sentContent" | "options">
  /** The proxy to go through now, judged now. Rejects with a `UrlRefused`. */
  proxy(): Promise<LineProxy | undefined>
  onEvent(event: ProviderEvent): void
  onConnection(connection: Connection): void
  /** There are no complete credentials, and `link` does not allow making any. */
  onAbsent(): void
  /** It ended before the provider could report anything. */
  onFault(reason: CloseReason, error: Error): void
}

export function openAttempt(deps: AttemptDeps): Attempt {
  const aborted = new AbortController()
  let connection: Connection | undefined

  const close = async (): Promise<void> => {
    try {
      await connection?.close()
    } catch (thrown) {
      deps.log.warn({ company: deps.company, error: toError(thrown).message }, "A connection did not close cleanly")
    }
  }

  const run = async (): Promise<void> => {
    await deps.after
    if (aborted.signal.aborted) return
    const auth = await deps.openAuth(aborted.signal)
    const linked = await deps.provider.linked(auth)
    if (aborted.signal.aborted) return
    if (!linked && deps.link === undefined) return deps.onAbsent()
    const proxy = await deps.proxy()
    if (aborted.signal.aborted) return
    connection = await deps.provider.connect({
      ...deps.input,
      options: proxy === undefined ? deps.input.options : { ...deps.input.options, proxy },
      company: deps.company,
      auth,
      signal: aborted.signal,
      link: deps.link ?? { method: "qr" },
      emit: (event) => {
        if (!aborted.signal.aborted) deps.onEvent(event)
      },
    })
    if (aborted.signal.aborted) await close()
    else deps.onConnection(connection)
  }

  const running = run().catch((thrown: unknown) => {
    if (!aborted.signal.aborted) deps.onFault(reasonOf(thrown), toError(thrown))
  })

  let ended: Promise<void> | undefined
  return {
    get connection() {
      return connection
    },
    end() {
      if (ended === undefined) {
        const open = connection
        aborted.abort()
        ended = open === undefined ? running : close()
      }
      return ended
    },
  }
}

function reasonOf(thrown: unknown): CloseReason {
  if (isUrlRefused(thrown)) return thrown.fault.reason === "unresolved" ? "unreachable" : "proxy-refused"
  if (!isAppError(thrown)) return "unknown"
  if (thrown.code === "CREDENTIALS_DAMAGED" || thrown.code === "RECORD_SEALED") return "credentials-damaged"
  return thrown.code === "STORAGE_UNAVAILABLE" ? "storage-unavailable" : "unknown"
}
