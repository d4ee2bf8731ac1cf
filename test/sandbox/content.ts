import { randomBytes, randomInt } from "node:crypto"
import { deflateSync } from "node:zlib"
import { proto } from "@whiskeysockets/baileys/WAProto/index.js"

type Message = proto.IMessage

/** Encoded and padded as it goes into a ciphertext: 1 to 16 bytes, each of the value of their number. */
export function pack(message: Message): Buffer {
  const length = randomInt(1, 17)
  return Buffer.concat([proto.Message.encode(message).finish(), Buffer.alloc(length, length)])
}

/** Throws when the padding or the message is malformed. */
export function unpack(plain: Buffer): Message {
  const length = plain.at(-1) ?? 0
  if (length < 1 || length > 16 || length > plain.length) throw new Error("the padding is malformed")
  return proto.Message.decode(plain.subarray(0, plain.length - length))
}

/** What a phone can say: a text, or one of those that a client of texts has to keep without understanding it. */
export const MESSAGE_KINDS = ["text", "reaction", "location"] as const
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** The message of that kind; a reaction is to a message that nobody has. */
export function messageOf(kind: MessageKind, text: string): Message {
  if (kind === "text") return { conversation: text }
  if (kind === "location") return { locationMessage: { degreesLatitude: 52.5, degreesLongitude: 13.4, name: text } }
  return { reactionMessage: { key: { id: "3A00", fromMe: false }, text, senderTimestampMs: Date.now() } }
}

/** The words of a message; undefined when it has none. */
export function textOf(message: Message): string | undefined {
  return message.conversation || message.extendedTextMessage?.text || undefined
}

/** What a phone gives a newly linked device: a key for the app state, and the (empty) history that lets it go online. */
export function greetings(): Message[] {
  const key: proto.Message.IAppStateSyncKey = {
    keyId: { keyId: Buffer.from([0, 0, 0, 0, 0, 1]) },
    keyData: {
      keyData: randomBytes(32),
      fingerprint: { rawId: 1, currentIndex: 1, deviceIndexes: [0, 1] },
      timestamp: Date.now(),
    },
  }
  const { INITIAL_BOOTSTRAP } = proto.HistorySync.HistorySyncType
  const history = proto.HistorySync.encode({ syncType: INITIAL_BOOTSTRAP, progress: 100, chunkOrder: 1 }).finish()
  const { APP_STATE_SYNC_KEY_SHARE, HISTORY_SYNC_NOTIFICATION } = proto.Message.ProtocolMessage.Type
  return [
    { protocolMessage: { type: APP_STATE_SYNC_KEY_SHARE, appStateSyncKeyShare: { keys: [key] } } },
    {
      protocolMessage: {
        type: HISTORY_SYNC_NOTIFICATION,
        historySyncNotification: {
          syncType: proto.Message.HistorySyncType.INITIAL_BOOTSTRAP,
          initialHistBootstrapInlinePayload: deflateSync(history),
          chunkOrder: 1,
          progress: 100,
        },
      },
    },
  ]
}
