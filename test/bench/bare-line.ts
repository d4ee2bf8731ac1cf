import makeWASocket, { DisconnectReason, generateMessageIDV2, initAuthCreds } from "@whiskeysockets/baileys"
import type { BinaryNode, SignalKeyStore } from "@whiskeysockets/baileys"
import pino from "pino"

/** One linked line on the library alone. */
export interface BareLine {
  /** The text of the first QR code. */
  readonly qr: Promise<string>
  readonly open: Promise<void>
  /** Resolves once WhatsApp has acknowledged the text, rejects when it refused it. */
  send(to: string, text: string): Promise<void>
}

const logger = pino({ level: "silent" })

/** Links a new line: shows a QR code, and connects again after the scan as WhatsApp demands (515). */
export function openLine(url: string, keys: SignalKeyStore): BareLine {
  const creds = initAuthCreds()
  const qr = deferred<string>()
  const open = deferred<void>()
  const waiting = new Map<string, { resolve: () => void; reject: (error: Error) => void }>()

  const connect = (): ReturnType<typeof makeWASocket> => {
    const socket = makeWASocket({ auth: { creds, keys }, waWebSocketUrl: url, logger })
    socket.ev.on("connection.update", (update) => {
      if (update.qr !== undefined) qr.resolve(update.qr)
      if (update.connection === "open") open.resolve()
      if (update.connection !== "close") return
      const code = (update.lastDisconnect?.error as { output?: { statusCode?: number } } | undefined)?.output
        ?.statusCode
      if (code !== DisconnectReason.restartRequired) throw new Error(`WhatsApp closed the line: ${code ?? "no code"}`)
      current = connect()
    })
    socket.ws.on("CB:ack,class:message", ({ attrs }: BinaryNode) => {
      const { id = "", error } = attrs
      if (error === undefined) waiting.get(id)?.resolve()
      else waiting.get(id)?.reject(new Error(`refused with ${error}`))
      waiting.delete(id)
    })
    return socket
  }
  let current = connect()

  return {
    qr: qr.promise,
    open: open.promise,
    async send(to, text) {
      const messageId = generateMessageIDV2(current.user?.id)
      const acknowledged = new Promise<void>((resolve, reject) => waiting.set(messageId, { resolve, reject }))
      await current.sendMessage(`${to}@s.whatsapp.net`, { text }, { messageId })
      await acknowledged
    },
  }
}

function deferred<T>(): { readonly promise: Promise<T>; resolve(value: T): void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => (resolve = settle))
  return { promise, resolve: (value) => resolve(value) }
}
