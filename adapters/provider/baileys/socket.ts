import type { SocketConfig, WASocket, proto } from "@whiskeysockets/baileys"
import type { ILogger } from "@whiskeysockets/baileys/lib/Utils/logger.js"
import type { SignalKeyStoreWithTransaction } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import type { ConnectOptions } from "../../../core/provider.ts"
import type { Credentials } from "./creds.ts"
import type { GroupCache } from "./group-cache.ts"
import { isIgnored } from "./jid.ts"
import type { LibraryCaches } from "./library-caches.ts"
import type { Library } from "./load-baileys.ts"
import { NO_DIRECT_DOWNLOADS, proxyAgent } from "./proxy.ts"
import type { Settings } from "./settings.ts"
import type { LidMapping } from "./signal/lid-mapping.ts"
import type { SignalRepository } from "./signal/repository.ts"

/** An operating system and browser that WhatsApp knows: it refuses pairing codes to any other name. */
export const BROWSER: [string, string, string] = ["Mac OS", "Chrome", "14.4.1"]

export interface SocketParts {
  readonly library: Library
  readonly settings: Settings
  readonly options: ConnectOptions
  readonly log: ILogger
  readonly credentials: Credentials
  readonly keys: SignalKeyStoreWithTransaction
  readonly caches: LibraryCaches
  readonly groups: GroupCache
  readonly clock: Clock
  /** Aborted: nobody waits for the connection any more. */
  readonly gone: AbortSignal
  signal(ask: (pns: string[]) => Promise<{ lid: string; pn: string }[] | undefined>): SignalRepository
  sentContent(id: string): Promise<proto.IMessage | undefined>
  /** The library is about to encrypt this message. */
  leaving(message: proto.IMessage): void
}

/** Opens the library's socket, set up so that nothing in it grows without bound or talks to anybody but WhatsApp. */
export async function openSocket(parts: SocketParts): Promise<WASocket> {
  const { library, settings, options, credentials, caches, groups } = parts
  const { proxy, connectTimeoutMs } = options
  const secure = settings.socketUrl?.startsWith("ws:") !== true
  const agent = proxy && proxyAgent(proxy, { secure, clock: parts.clock, connectTimeoutMs, signal: parts.gone })
  let sock: WASocket | undefined
  const config: Partial<SocketConfig> & Pick<SocketConfig, "auth"> = {
    auth: { creds: credentials.creds, keys: parts.keys },
    logger: parts.log,
    browser: BROWSER,
    // No timers of the library: it leaves them behind at the end, and takes two stack traces for each. The deadlines for
    // connecting and sending are the connection's own.
    connectTimeoutMs: 0,
    defaultQueryTimeoutMs: undefined,
    keepAliveIntervalMs: options.keepAliveMs,
    ...(settings.socketUrl !== undefined && { waWebSocketUrl: settings.socketUrl }),
    ...(settings.webVersion && { version: settings.webVersion }),
    ...(agent && { agent, fetchAgent: agent, options: NO_DIRECT_DOWNLOADS }),
    shouldSyncHistoryMessage: (notification) => wantsHistory(library, notification, agent !== undefined),
    ...caches,
    // It takes 85 KB for each line, holds the last 512 messages and a timer for each; what a recipient asks for again
    // comes from our own store.
    enableRecentMessageCache: false,
    emitOwnEvents: false,
    markOnlineOnConnect: false,
    syncFullHistory: false,
    generateHighQualityLinkPreview: false,
    shouldIgnoreJid: isIgnored,
    getMessage: async (key) => (key.id ? parts.sentContent(key.id) : undefined),
    cachedGroupMetadata: async (group) => sock && groups.get(group, sock.groupMetadata),
    patchMessageBeforeSending: (message) => {
      parts.leaving(message)
      return message
    },
    makeSignalRepository: (auth, _logger, ask) => {
      withoutTransactions(auth.keys, parts.keys)
      const signal = parts.signal(async (pns) => ask?.(pns))
      return { ...signal, lidMapping: asLibraryMapping(signal.lidMapping) }
    },
  }
  sock = library.makeWASocket(config)
  return sock
}

/** Never the full history. Behind a proxy only what comes inline: the rest would have to be downloaded past it. */
function wantsHistory(
  library: Library,
  notification: proto.Message.IHistorySyncNotification,
  proxied: boolean,
): boolean {
  if (notification.syncType === library.proto.Message.HistorySyncType.FULL) return false
  return !proxied || (notification.initialHistBootstrapInlinePayload?.length ?? 0) > 0
}

/** Baileys has wrapped our key store into one with transactions; all its parts use the methods of that one object. */
function withoutTransactions(wrapped: object, keys: SignalKeyStoreWithTransaction): void {
  Object.assign(wrapped, keys)
}

/** The library names its own class, of which it uses the public methods only. */
function asLibraryMapping(mapping: LidMapping): ReturnType<SocketConfig["makeSignalRepository"]>["lidMapping"] {
  return mapping as unknown as ReturnType<SocketConfig["makeSignalRepository"]>["lidMapping"]
}
