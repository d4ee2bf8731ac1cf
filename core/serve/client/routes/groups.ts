// Made from the routes by `npx tsx config/docs.ts`.
// biome-ignore-all format: written by a program
import type { Caller } from "../request.ts"
import type { Batches } from "./batches.ts"
import { batches } from "./batches-calls.ts"
import type { Blocklist } from "./blocklist.ts"
import { blocklist } from "./blocklist-calls.ts"
import type { Companies } from "./companies.ts"
import { companies } from "./companies-calls.ts"
import type { Contacts } from "./contacts.ts"
import { contacts } from "./contacts-calls.ts"
import type { Encryption } from "./encryption.ts"
import { encryption } from "./encryption-calls.ts"
import type { Events } from "./events.ts"
import { events } from "./events-calls.ts"
import type { Health } from "./health.ts"
import { health } from "./health-calls.ts"
import type { Keys } from "./keys.ts"
import { keys } from "./keys-calls.ts"
import type { Messages } from "./messages.ts"
import { messages } from "./messages-calls.ts"
import type { Metrics } from "./metrics.ts"
import { metrics } from "./metrics-calls.ts"
import type { Presence } from "./presence.ts"
import { presence } from "./presence-calls.ts"
import type { Root } from "./root.ts"
import { root } from "./root-calls.ts"
import type { Server } from "./server.ts"
import { server } from "./server-calls.ts"
import type { Sessions } from "./sessions.ts"
import { sessions } from "./sessions-calls.ts"
import type { Webhooks } from "./webhooks.ts"
import { webhooks } from "./webhooks-calls.ts"

export interface Groups extends Root {
  readonly batches: Batches
  readonly blocklist: Blocklist
  readonly companies: Companies
  readonly contacts: Contacts
  readonly encryption: Encryption
  readonly events: Events
  readonly health: Health
  readonly keys: Keys
  readonly messages: Messages
  readonly metrics: Metrics
  readonly presence: Presence
  readonly server: Server
  readonly sessions: Sessions
  readonly webhooks: Webhooks
}

export function groups(caller: Caller): Groups {
  return {
    ...root(caller),
    batches: batches(caller),
    blocklist: blocklist(caller),
    companies: companies(caller),
    contacts: contacts(caller),
    encryption: encryption(caller),
    events: events(caller),
    health: health(caller),
    keys: keys(caller),
    messages: messages(caller),
    metrics: metrics(caller),
    presence: presence(caller),
    server: server(caller),
    sessions: sessions(caller),
    webhooks: webhooks(caller),
  }
}
