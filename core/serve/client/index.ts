import { assembleClient, type Client, type SendMessageOptions } from "./client.ts"
import { environmentOptions } from "./environment.ts"
import type { ClientOptions } from "./options.ts"
import type { MessagesSendAnswer } from "./routes/messages.ts"
import { platformTiming } from "./timing.ts"

/**
 * The client of Switchboard's API, for Node, Deno and browsers; it needs nothing else. Every call rejects with a
 * SwitchboardError, or with the reason of the signal that ended it.
 */

export type { Client, RequestOptions, SendMessageOptions } from "./client.ts"
export { type ClientCode, SwitchboardError } from "./error.ts"
export type { ClientOptions } from "./options.ts"
export type { CallOptions, RawBody, SendOptions, StreamOptions, UploadOptions } from "./request.ts"
export type { Groups } from "./routes/groups.ts"
export type * from "./routes/schemas.ts"
export type { LiveCode } from "./stream.ts"

/** A client of one server. Throws a SwitchboardError for options that cannot work. */
export function createClient(options: ClientOptions): Client {
  return assembleClient(options, platformTiming)
}

/**
 * Sends a text through the server that `SWITCHBOARD_URL` names, http://localhost:3000 by default, with the key in
 * `SWITCHBOARD_API_KEY` or `WHATSAPP_API_KEY`. In multi-tenant mode the company stands in `options.companyId`.
 */
export async function sendMessage(
  phone: string,
  message: string,
  options?: SendMessageOptions,
): Promise<MessagesSendAnswer> {
  return clientFromEnvironment().sendMessage(phone, message, options)
}

/** The client that `sendMessage` uses, made anew from the environment as it is now. */
export function clientFromEnvironment(): Client {
  return createClient(environmentOptions())
}
