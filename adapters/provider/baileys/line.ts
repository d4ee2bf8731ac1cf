import type { WASocket } from "@whiskeysockets/baileys"
import type { ConnectInput, ProviderEvent } from "../../../core/provider.ts"
import type { Restriction } from "../../../core/types.ts"
import { type Courtesies, createCourtesies } from "./courtesies.ts"
import { createCredentials, forgetUnfinishedPairing, isFinished, readCredentials, type Credentials } from "./creds.ts"
import { forLibrary, type Endurance } from "./endurance.ts"
import { createGroupCache, type GroupCache } from "./group-cache.ts"
import { createHangup, type Hangup } from "./hang-up.ts"
import { createLibraryKeys } from "./keys.ts"
import { createLibraryCaches } from "./library-caches.ts"
import { createLibraryLog, silentLibraryLog } from "./library-log.ts"
import type { LineStore } from "./line-store.ts"
import type { Library } from "./load-baileys.ts"
import { createPreKeys, type PreKeys } from "./pre-keys.ts"
import { createPairing, type Pairing } from "./pairing.ts"
import { createPeople } from "./people.ts"
import { createReceipts, type Receipts } from "./receipts.ts"
import { createReceiver, type Receiver } from "./receive.ts"
import { createRecipients } from "./recipients.ts"
import { createSender, type Sender } from "./send.ts"
import type { Settings } from "./settings.ts"
import { createLidMapping } from "./signal/lid-mapping.ts"
import { createLock } from "./signal/lock.ts"
import { createOwnKeys } from "./signal/own-keys.ts"
import { createRepository } from "./signal/repository.ts"
import { BROWSER, openSocket } from "./socket.ts"
import { holdFramesUntilDurable } from "./write-barrier.ts"

/** Everything that lives as long as one socket. */
export interface Line {
  readonly sock: WASocket
  readonly credentials: Credentials
  readonly sender: Sender
  readonly courtesies: Courtesies
  readonly pairing: Pairing
  readonly receiver: Receiver
  readonly receipts: Receipts
  readonly groups: GroupCache
  readonly preKeys: PreKeys
  readonly hangup: Hangup
}

export interface LineOptions {
  readonly library: Library
  readonly settings: Settings
  readonly input: ConnectInput
  readonly store: LineStore
  readonly endurance: Endurance
  readonly sendDeadlineMs: number
  emit(event: ProviderEvent): void
  restriction(): Restriction | null
  onBarred(): void
  onStuck(): void
  /** The library has begun to close the socket. */
  onClosing(): void
}

/** Reads or makes credentials, and opens the socket. Credentials are durable before they are shown to WhatsApp. */
export async function openLine(options: LineOptions): Promise<Line> {
  const { library, settings, input, store, endurance, emit } = options
  const { clock, log } = input.options
  const credentials = await prepareCredentials(options)
  const { creds } = credentials

  const lock = createLock()
  const caches = createLibraryCaches(clock)
  const groups = createGroupCache(clock)
  let ask: ((pns: string[]) => Promise<{ lid: string; pn: string }[] | undefined>) | undefined
  const lids = createLidMapping({
    store,
    ask: async (pns) => ask?.(pns),
    onNew: ({ phone, lid }) => emit({ type: "person", phone, lid }),
  })
  const people = createPeople(creds, lids)
  const receiver = createReceiver({ library, people, intake: input.intake, endurance, clock, log })
  const receipts = createReceipts({ people, intake: input.intake, endurance, clock, log })
  const { signal, forget } = createRepository({
    store,
    endurance,
    lock,
    own: createOwnKeys(creds, store),
    lids,
    journal: receiver.journal,
    onIdentityChange: () => log.info({ company: input.company }, "a contact's identity key has changed"),
  })
  const keys = createLibraryKeys({
    store,
    endurance,
    credentials,
    forgetSessions: forget,
    reviveSyncKey: (value) => library.proto.Message.AppStateSyncKeyData.fromObject({ ...value }),
  })

  let sender: Sender | undefined
  const sock = await openSocket({
    library,
    settings,
    options: input.options,
    log: settings.debug
      ? createLibraryLog(log.child({ library: "baileys", company: input.company }))
      : silentLibraryLog,
    credentials,
    keys,
    caches,
    groups,
    clock,
    gone: input.signal,
    signal(question) {
      ask = question
      return { ...signal, close: () => (signal.close(), options.onClosing()) }
    },
    sentContent: (id) =>
      forLibrary(endurance, async () => {
        const wire = await endurance.run(() => input.sentContent(id))
        return wire && library.proto.Message.decode(wire)
      }),
    leaving: (message) => sender?.leaving(message),
  })
  holdFramesUntilDurable(sock, store)
  keepReceiptsBeforeAnswering(sock, receipts)

  const recipients = createRecipients({
    library,
    sock,
    lids,
    people,
    clock,
    hasDevices: (user) => caches.userDevicesCache.get(user) !== undefined,
    forgetDevices: (user) => void caches.userDevicesCache.del(user),
  })
  const { sendDeadlineMs: deadlineMs, restriction, onBarred, onStuck } = options
  sender = createSender({ library, sock, recipients, clock, deadlineMs, restriction, onBarred, onStuck })
  const pairing = createPairing({ library, sock, credentials, link: input.link, browser: BROWSER, clock, emit })
  const preKeys = createPreKeys({ library, sock, credentials, log })
  const courtesies = createCourtesies({ sock, creds, recipients, clock })
  const hangup = createHangup(sock, clock)
  return { sock, credentials, sender, courtesies, pairing, receiver, receipts, groups, preKeys, hangup }
}

async function prepareCredentials({ library, input, store, endurance }: LineOptions): Promise<Credentials> {
  const stored = await endurance.run(() => readCredentials(input.auth))
  const creds = stored ?? library.initAuthCreds()
  const credentials = createCredentials(creds, store)
  if (isFinished(creds)) return credentials
  forgetUnfinishedPairing(creds)
  await credentials.save()
  return credentials
}

/** Baileys handles receipts one after the other under this mutex and acknowledges each when its turn is over. */
function keepReceiptsBeforeAnswering(sock: WASocket, receipts: Receipts): void {
  const { mutex } = sock.receiptMutex
  sock.receiptMutex.mutex = (code) =>
    mutex(async () => {
      await receipts.kept()
      return code()
    })
}
