import { mkdtemp, readdir, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import makeWASocket, {
  addTransactionCapability,
  type AuthenticationState,
  Curve,
  DisconnectReason,
  type SignalRepositoryWithLIDStore,
  useMultiFileAuthState,
  type WASocket,
} from "@whiskeysockets/baileys"
import { makeLibSignalRepository } from "@whiskeysockets/baileys/lib/Signal/libsignal.js"
import pino from "pino"

/** A linked device as other programs keep it: in the library's own folder of files. */
export interface OldProgram {
  readonly folder: string
  readonly state: AuthenticationState
  readonly saveCreds: () => Promise<void>
  files(): Promise<Map<string, Uint8Array>>
  remove(): Promise<void>
}

const logger = pino({ level: "silent" })

export async function openOldProgram(): Promise<OldProgram> {
  const folder = await mkdtemp(join(tmpdir(), "old-program-"))
  const { state, saveCreds } = await useMultiFileAuthState(folder)
  return {
    folder,
    state,
    saveCreds,
    async files() {
      const names = await readdir(folder)
      return new Map(await Promise.all(names.map(async (name) => [name, await readFile(join(folder, name))] as const)))
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Makes the credentials look like those of a finished pairing. */
export async function finishPairing({ state, saveCreds }: OldProgram, me: string): Promise<void> {
  Object.assign(state.creds, { me: { id: me, name: "Old" }, account: { details: "AA==" }, nextPreKeyId: 3 })
  await saveCreds()
}

/** The library's own Signal half over the folder. */
export function signalOf({ state }: OldProgram): SignalRepositoryWithLIDStore {
  const keys = addTransactionCapability(state.keys, logger, { maxCommitRetries: 1, delayBetweenTriesMs: 1 })
  return makeLibSignalRepository({ creds: state.creds, keys }, logger)
}

/** What somebody needs to write to this program first. */
export async function bundleOf({ state }: OldProgram, preKeyId: number) {
  const { registrationId, signedIdentityKey, signedPreKey } = state.creds
  const pair = Curve.generateKeyPair()
  await state.keys.set({ "pre-key": { [preKeyId]: pair } })
  const typed = (key: Uint8Array): Buffer => Buffer.concat([Buffer.of(5), key])
  return {
    registrationId,
    identityKey: typed(signedIdentityKey.public),
    signedPreKey: {
      keyId: signedPreKey.keyId,
      publicKey: typed(signedPreKey.keyPair.public),
      signature: signedPreKey.signature,
    },
    preKey: { keyId: preKeyId, publicKey: typed(pair.public) },
  }
}

export interface OldSocket {
  readonly qr: Promise<string>
  readonly open: Promise<void>
  readonly texts: readonly string[]
  send(to: string, text: string): Promise<void>
  /** Closes without logging out, once everything has been written. */
  end(): Promise<void>
}

/** The program at work: links, connects again as WhatsApp demands, keeps its credentials. */
export function connect({ state, saveCreds }: OldProgram, url: string): OldSocket {
  const texts: string[] = []
  let writing: Promise<unknown> = Promise.resolve()
  let ended = false
  let shown: (qr: string) => void = () => undefined
  let opened: () => void = () => undefined
  const qr = new Promise<string>((resolve) => (shown = resolve))
  const open = new Promise<void>((resolve) => (opened = resolve))
  const begin = (): WASocket => {
    const socket = makeWASocket({ auth: state, waWebSocketUrl: url, logger })
    socket.ev.on("creds.update", () => {
      writing = writing.then(saveCreds)
    })
    socket.ev.on("messages.upsert", ({ messages }) => {
      for (const { message } of messages) {
        const text = message?.conversation ?? message?.extendedTextMessage?.text
        if (text !== undefined && text !== null) texts.push(text)
      }
    })
    socket.ev.on("connection.update", (update) => {
      if (update.qr !== undefined) shown(update.qr)
      if (update.connection === "open") opened()
      const code = (update.lastDisconnect?.error as { output?: { statusCode?: number } } | undefined)?.output
      if (!ended && update.connection === "close" && code?.statusCode === DisconnectReason.restartRequired) {
        current = begin()
      }
    })
    return socket
  }
  let current = begin()
  return {
    qr,
    open,
    texts,
    async send(to, text) {
      await current.sendMessage(to.includes("@") ? to : `${to}@s.whatsapp.net`, { text })
    },
    async end() {
      ended = true
      await current.end(undefined)
      await writing
      await saveCreds()
    },
  }
}
