import { createChats, type Chats } from "./message/chats.ts"
import { type Batches, createBatches } from "./batches.ts"
import type { Companies } from "./companies.ts"
import { type CompanyData, createCompanyData } from "./company/data.ts"
import { createGuard } from "./company/guard.ts"
import { createDeliver } from "./deliver.ts"
import { createEvents, type Events } from "./events.ts"
import type { Homes } from "./homes/homes.ts"
import { createMover, type Mover } from "./homes/mover.ts"
import { createIdempotency } from "./message/idempotency.ts"
import { createIds } from "./message/ids.ts"
import { createInbound } from "./inbound.ts"
import { createIngress, type Ingress } from "./ingress.ts"
import { createMessages, type Messages } from "./message/messages.ts"
import { createOutbound, type Outbound } from "./outbound.ts"
import { createOutbox, type Outbox } from "./message/outbox.ts"
import { createPairs } from "./message/pairs.ts"
import { createForesee } from "./message/foresee.ts"
import { createPluginViews, type PluginViews } from "./loading/plugin-views.ts"
import type { LinesDeps } from "./line/deps.ts"
import { createHousekeeping } from "./line/housekeeping.ts"
import { createSequence } from "./message/sequence.ts"
import { type CompanySettings, createCompanySettings } from "./line/company-settings.ts"
import { findProxy } from "./line/proxy-way.ts"
import type { Naming } from "./line/view.ts"
import { createSessionCommands, type SessionCommands } from "./line/session-commands.ts"
import { createSessionUpkeep } from "./line/session-upkeep.ts"
import { createSessions, type Sessions } from "./sessions.ts"
import { createSettlement } from "./message/settle.ts"
import type { CompanyFields } from "./views.ts"
import { within } from "./within.ts"

/** All lines of this process, wired. */
export interface Lines {
  readonly companies: Companies
  readonly sessions: Sessions
  readonly companySettings: CompanySettings
  readonly homes: Homes
  readonly mover: Mover
  readonly companyData: CompanyData
  /** The provider and the store in force. */
  readonly naming: Naming
  readonly commands: SessionCommands
  readonly outbound: Outbound
  readonly batches: Batches
  readonly ingress: Ingress
  readonly messages: Messages
  /** Why a message is held back just now, if it is. */
  readonly held: Outbox["held"]
  readonly chats: Chats
  readonly events: Events
  readonly views: PluginViews
  /** Settings of companies that plugins declare. */
  readonly companyFields: CompanyFields
  /** Brings the lines back in the background, and keeps house from then on. */
  start(): void
  /** Answers every request that waits and ends live streams, so that the doors can close. Sends under way go on. */
  release(): void
  /** Closes every line without logging out; what waits stays in the outbox. Resolves within about `ms`. Idempotent. */
  stop(ms: number): Promise<void>
}

/** Of the time for a stop, what sends under way get to come back. */
const SENDS_SHARE = 0.5

export function createLines(deps: LinesDeps): Lines {
  const { settings, provider, homes, hooks, clock, log, egress } = deps
  const guard = createGuard(deps.ledger, deps)
  const { ledger } = guard
  const random = deps.random ?? Math.random
  const ids = createIds(deps.sha256)
  const sequence = createSequence(clock)
  const events = createEvents({ ledger, clock, ids, maxListeners: settings.maxListeners })
  const { isClosed } = guard
  const { instruments } = deps
  const deliver = createDeliver({ ledger, events, egress, hooks, sequence, clock, log, random, instruments, isClosed })
  const chats = createChats({
    ledger,
    events,
    ids,
    clock,
    onMerge: (company, { from, into }) => outbox.merge(company, from, into),
  })
  const messages = createMessages(ledger, chats)
  const settlement = createSettlement({
    ...deps,
    messages,
    chats,
    events,
    onSettled: (row) => {
      outbox.settled(row)
      outbound.settled(row)
    },
  })
  const outbox = createOutbox({
    ...deps,
    sequence,
    ledger,
    events,
    messages,
    chats,
    settlement,
    onHeld: (messageId, until) => outbound.held(messageId, until),
    onRestricted: (company, restriction) => sessions.restrict(company, restriction),
  })
  const inbound = createInbound({
    ...deps,
    sequence,
    ledger,
    messages,
    chats,
    settlement,
    events,
    ids,
    onActivity: (company) => sessions.touch(company),
  })
  const pairs = createPairs(chats, clock, log)
  const naming: Naming = { provider: provider.name, storage: homes.nameOf }
  const admit = (company: string): Promise<void> => companyData.erasure.admit(company)
  const sessions = createSessions({
    ...deps,
    ledger,
    admit,
    random,
    events,
    naming,
    proxy: async (company) => {
      const proxy = await companySettings.proxy(company)
      return proxy && findProxy(egress, proxy)
    },
    feed: {
      intake: inbound.intake,
      sentContent: async (company, id) => (await messages.wire(company, [id]))[0],
      opened: (company, connection) => {
        outbox.opened(company, connection)
        sessions.opened(company)
      },
      closed: outbox.closed,
      person: pairs.learn,
    },
  })
  const mover = createMover({ homes, sessions, events, ledger, clock, log })
  const { storeNames, companyFields = {} } = deps
  const settingsDeps = { guard, declared: companyFields, sessions, naming, homes, mover, storeNames, admit, egress }
  const companySettings = createCompanySettings(settingsDeps)
  const companyData = createCompanyData({
    ...deps,
    guard,
    sessions,
    companySettings,
    naming,
    outbox,
    inbound,
    settlement,
    chats,
    pairs,
    events,
    deliver,
  })
  const upkeep = createSessionUpkeep({ ...deps, ledger, sessions })
  const commands = createSessionCommands(sessions, settings, clock)
  const idempotency = createIdempotency(ledger, clock, ids)
  const sending = { chats, events, messages, outbox, idempotency, lines: sessions, provider, hooks, ids, clock, log }
  const outbound = createOutbound(sending)
  const onlyCompany = settings.multiTenant ? undefined : settings.defaultCompanyId
  const batches = createBatches({ ...sending, ledger, onlyCompany })
  const ingress = createIngress({ ...deps, ledger, ids, outbound, commands, companySettings, onlyCompany })

  const foresee = createForesee({ chats, sessions, messages, held: outbox.held, ledger, hooks, clock })
  const stopping = new AbortController()
  const upkeepOf = { settings, ledger, clock, log, outbox, upkeep, idempotency, batches, ingress, mover, deliver }
  const housekeeping = createHousekeeping({ ...upkeepOf, erasure: companyData.erasure, signal: stopping.signal })
  let stopped: Promise<void> | undefined

  const end = async (ms: number): Promise<void> => {
    stopping.abort()
    housekeeping.stop()
    events.stop()
    inbound.stop()
    pairs.stop()
    const deadline = clock.now() + ms
    const moved = within(clock, ms, mover.stop())
    const delivered = deliver.stop(ms * SENDS_SHARE)
    await outbox.stop(ms * SENDS_SHARE)
    await within(clock, Math.max(0, deadline - clock.now()), settlement.drained())
    await sessions.stop(Math.max(0, deadline - clock.now()))
    await Promise.all([moved, delivered])
    settlement.stop()
  }

  return {
    companies: sessions.companies,
    sessions,
    companySettings,
    homes,
    mover,
    companyData,
    naming,
    commands,
    outbound,
    batches,
    ingress,
    messages,
    held: outbox.held,
    chats,
    events,
    views: createPluginViews({ sessions, events, deliver, companySettings, guard, foresee }),
    companyFields,
    start: housekeeping.start,
    release() {
      events.stop()
      outbound.release()
      commands.release()
    },
    stop(ms) {
      stopped ??= end(ms)
      return stopped
    },
  }
}
