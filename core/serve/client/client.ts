import { createCaller } from "./caller.ts"
import { type ClientOptions, readOptions } from "./options.ts"
import type { CallOptions, Query, SendOptions } from "./request.ts"
import { type Groups, groups } from "./routes/groups.ts"
import type { MessagesSendAnswer, MessagesSendBody } from "./routes/messages.ts"
import type { Timing } from "./timing.ts"

export interface SendMessageOptions extends SendOptions {
  /** Needed in multi-tenant mode. */
  readonly companyId?: string | undefined
  /** Seconds that the message may wait; 24 h by default. */
  readonly ttl?: number | undefined
}

export interface RequestOptions extends CallOptions {
  readonly query?: Query | undefined
  readonly body?: unknown
  /** What the answer is read as; JSON by default. */
  readonly as?: "json" | "text" | undefined
}

export interface Client extends Groups {
  /**
   * Sends a text to a phone in international spelling, or to an id of WhatsApp's. Resolves once WhatsApp has
   * acknowledged it (`sent`) or when it is stored and will go out (`queued`). Tries again by itself, and sends once.
   */
  sendMessage(phone: string, message: string, options?: SendMessageOptions): Promise<MessagesSendAnswer>
  /**
   * Any route, also of plugins of your own: the whole answer. GET and PUT are tried again when no answer came,
   * others only when the server has said that it did nothing.
   */
  request<T = unknown>(method: string, path: string, options?: RequestOptions): Promise<T>
}

/** With a time of its own. */
export function assembleClient(options: ClientOptions, timing: Timing): Client {
  const caller = createCaller(readOptions(options), timing)
  const { messages, ...others } = groups(caller)
  return {
    ...others,
    messages,
    sendMessage(phone, message, { companyId, ttl, ...how } = {}) {
      const body: MessagesSendBody = { phone, message, ttl }
      return companyId === undefined ? messages.sendShort(body, how) : messages.send(companyId, body, how)
    },
    async request(method, path, { query, body, as = "json", ...how } = {}) {
      const repeat = ["GET", "PUT"].includes(method.toUpperCase()) ? "always" : "refused"
      const request = { method: method.toUpperCase(), path, query, body, repeat, takes: as } as const
      return caller.call(request, how)
    },
  }
}
