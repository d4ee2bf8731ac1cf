import type { AuthenticationCreds, BinaryNode, proto } from "@whiskeysockets/baileys"
import { beforeAll, beforeEach, describe, expect, test } from "vitest"
import { reasonOf } from "../../adapters/provider/baileys/close-reason.ts"
import { attachmentOf, contentOf, encodeContent, openPlaintext } from "../../adapters/provider/baileys/content.ts"
import { createEndurance } from "../../adapters/provider/baileys/endurance.ts"
import { loadBaileys, type Library } from "../../adapters/provider/baileys/load-baileys.ts"
import { createLineStore } from "../../adapters/provider/baileys/line-store.ts"
import { createPeople, type People } from "../../adapters/provider/baileys/people.ts"
import { createReceipts } from "../../adapters/provider/baileys/receipts.ts"
import { createReceiver } from "../../adapters/provider/baileys/receive.ts"
import { createLidMapping } from "../../adapters/provider/baileys/signal/lid-mapping.ts"
import type { InboundMessage, ReceiptUpdate } from "../../core/provider.ts"
import { createTestLog } from "../support/log.ts"
import { createTestStore, realClock } from "./support.ts"

/** What stanzas say, read without a connection. */

let library: Library
let people: People
let messages: InboundMessage[]
let receipts: ReceiptUpdate[]

beforeAll(async () => {
  library = await loadBaileys()
})

const OWN = { id: "4930123:7@s.whatsapp.net", lid: "700:7@lid", name: "Acme" }
const GROUP = "1203@g.us"

function parts() {
  const never = (): void => undefined
  const log = createTestLog()
  const endurance = createEndurance({ clock: realClock, log, limitMs: 1000, onExhausted: never, onHopeless: never })
  const store = createLineStore(createTestStore(), endurance)
  const lids = createLidMapping({ store, ask: undefined, onNew: never })
  const creds: AuthenticationCreds = { ...library.initAuthCreds(), me: OWN }
  const intake = {
    message: async (message: InboundMessage) => void messages.push(message),
    receipt: async (update: ReceiptUpdate) => void receipts.push(update),
  }
  people = createPeople(creds, lids)
  const shared = { people, intake, endurance, clock: realClock, log }
  return { lids, receiver: createReceiver({ library, ...shared }), receipts: createReceipts(shared) }
}

let line: ReturnType<typeof parts>

beforeEach(async () => {
  messages = []
  receipts = []
  line = parts()
  await line.lids.storeLIDPNMappings([{ lid: "555@lid", pn: "491701@s.whatsapp.net" }])
})

const padded = (message: proto.IMessage) =>
  Buffer.concat([library.proto.Message.encode(message).finish(), Buffer.alloc(3, 3)])

async function deliver(attrs: Record<string, string>, message: proto.IMessage): Promise<InboundMessage | undefined> {
  const ciphertext = Buffer.from("sealed")
  const enc: BinaryNode = { tag: "enc", attrs: { type: "msg" }, content: ciphertext }
  line.receiver.note({ tag: "message", attrs: { id: "ABC", t: "1700000000", ...attrs }, content: [enc] })
  await line.receiver.journal(ciphertext, padded(message))
  return messages.at(-1)
}

async function confirm(attrs: Record<string, string>, content?: BinaryNode[]): Promise<ReceiptUpdate | undefined> {
  line.receipts.note({ tag: "receipt", attrs: { id: "ABC", t: "1700000000", ...attrs }, ...(content && { content }) })
  await line.receipts.kept()
  return receipts.at(-1)
}

describe("what a message says", () => {
  test.each<[string, proto.IMessage, unknown]>([
    ["a plain text", { conversation: "hi" }, { type: "text", text: "hi" }],
    ["a text with extras", { extendedTextMessage: { text: "hi" } }, { type: "text", text: "hi" }],
    ["a disappearing text", { ephemeralMessage: { message: { conversation: "hi" } } }, { type: "text", text: "hi" }],
    ["a view-once text", { viewOnceMessageV2: { message: { conversation: "hi" } } }, { type: "text", text: "hi" }],
    ["a picture", { imageMessage: { caption: "hi" } }, { type: "unsupported" }],
    ["a reaction", { reactionMessage: { text: "+" } }, { type: "unsupported" }],
    ["a poll", { pollCreationMessage: { name: "?" } }, { type: "unsupported" }],
    [
      "a sender key with a text",
      { senderKeyDistributionMessage: {}, conversation: "hi" },
      { type: "text", text: "hi" },
    ],
    ["a sender key alone", { senderKeyDistributionMessage: { groupId: GROUP } }, undefined],
    ["a revocation", { protocolMessage: { type: 0 } }, undefined],
    ["an edit", { editedMessage: { message: { protocolMessage: { type: 14 } } } }, undefined],
    ["nothing", {}, undefined],
    ["context alone", { messageContextInfo: { messageSecret: Buffer.alloc(32) } }, undefined],
  ])("%s", (_what, message, content) => {
    expect(contentOf(library, library.proto.Message.create(message))).toEqual(content)
  })

  test.each<[what: string, message: proto.IMessage, attachment: string | undefined]>([
    ["an image", { imageMessage: { caption: "us" } }, "image"],
    ["an image that is shown once", { viewOnceMessageV2: { message: { imageMessage: {} } } }, "image"],
    ["a video", { videoMessage: {} }, "video"],
    ["a round video", { ptvMessage: {} }, "video"],
    ["a song", { audioMessage: {} }, "audio"],
    ["what was spoken", { audioMessage: { ptt: true } }, "voice"],
    ["a document", { documentMessage: {} }, "document"],
    ["a document with a caption", { documentWithCaptionMessage: { message: { documentMessage: {} } } }, "document"],
    ["a sticker", { stickerMessage: {} }, "sticker"],
    ["a sticker that moves", { lottieStickerMessage: { message: { stickerMessage: {} } } }, "sticker"],
    ["a text", { conversation: "hi" }, undefined],
    ["an answer to an image", { extendedTextMessage: { text: "nice", contextInfo: {} } }, undefined],
    ["a poll", { pollCreationMessage: { name: "?" } }, undefined],
  ])("tells what is attached: %s", async (_what, message, attachment) => {
    expect(attachmentOf(library, library.proto.Message.create(message))).toBe(attachment)
    expect((await deliver({ from: "491701@s.whatsapp.net" }, message))?.attachment).toBe(attachment)
  })

  test("is kept as it came, fields included that are not known", () => {
    const unknown = Buffer.from([0xfa, 0x3f, 2, 104, 105])
    const wire = Buffer.concat([library.proto.Message.encode({ conversation: "hi" }).finish(), unknown])
    const opened = openPlaintext(library, Buffer.concat([wire, Buffer.alloc(1, 1)]))
    expect(Buffer.from(opened.wire)).toEqual(wire)
  })

  test("is encoded once, with a secret of its own each time", () => {
    const [one, two] = [encodeContent({ type: "text", text: "grüße 👋" }), encodeContent({ type: "text", text: "x" })]
    const message = library.proto.Message.decode(one)
    expect(message.conversation).toBe("grüße 👋")
    expect(message.messageContextInfo?.messageSecret).toHaveLength(32)
    expect(Buffer.from(one).equals(two)).toBe(false)
    expect(() => encodeContent({ type: "unsupported" })).toThrow("Only text")
  })
})

describe("who a message is from and to", () => {
  const text = { conversation: "hi" }
  const contact = { phone: "491701", lid: "555" }

  test.each([
    ["a number whose LID is known", { from: "491701:3@s.whatsapp.net" }, contact],
    ["a LID whose number is known", { from: "555@lid" }, contact],
    [
      "a number that names its LID",
      { from: "491999@s.whatsapp.net", sender_lid: "9@lid" },
      { phone: "491999", lid: "9" },
    ],
    [
      "a LID that names its number",
      { from: "9@lid", sender_pn: "491999@s.whatsapp.net" },
      { phone: "491999", lid: "9" },
    ],
    ["a LID nobody knows more about", { from: "8@lid" }, { phone: null, lid: "8" }],
  ])("%s", async (_what, attrs, person) => {
    expect(await deliver(attrs, text)).toMatchObject({
      chat: { kind: "person", ...person },
      sender: person,
      fromMe: false,
      at: 1_700_000_000_000,
    })
  })

  test("a member of a group", async () => {
    const attrs = { from: GROUP, participant: "9@lid", participant_pn: "491999@s.whatsapp.net" }
    const sender = { phone: "491999", lid: "9" }
    expect(await deliver(attrs, text)).toMatchObject({ chat: { kind: "group", group: GROUP }, sender, fromMe: false })
  })

  test("the own phone, to a person", async () => {
    const message = { deviceSentMessage: { destinationJid: "555@lid", message: text } }
    const attrs = { from: "4930123@s.whatsapp.net", recipient: "555@lid" }
    const sender = { phone: "4930123", lid: "700" }
    const got = await deliver(attrs, message)
    expect(got).toMatchObject({ chat: { kind: "person", ...contact }, sender, fromMe: true, content: { text: "hi" } })
    expect(library.proto.Message.decode(got?.wire ?? new Uint8Array()).conversation).toBe("hi")
  })

  test("the own phone, in a group", async () => {
    expect(await deliver({ from: GROUP, participant: "700@lid" }, text)).toMatchObject({
      chat: { kind: "group", group: GROUP },
      fromMe: true,
    })
  })

  test("a broadcast list is a message of its author", async () => {
    const attrs = { from: "123@broadcast", participant: "555@lid" }
    expect(await deliver(attrs, text)).toMatchObject({ chat: { kind: "person", ...contact }, fromMe: false })
  })

  test("a peer message is nobody's", async () => {
    expect(await deliver({ from: "4930123@s.whatsapp.net", category: "peer" }, text)).toBeUndefined()
  })

  test("one that WhatsApp had waiting is told so", async () => {
    expect(await deliver({ from: "555@lid", offline: "1", notify: "Ann" }, text)).toMatchObject({
      offline: true,
      pushName: "Ann",
    })
  })

  test("bytes that are no message are left to the library", async () => {
    const ciphertext = Buffer.from("sealed")
    const enc: BinaryNode = { tag: "enc", attrs: {}, content: ciphertext }
    line.receiver.note({ tag: "message", attrs: { id: "X", from: "555@lid" }, content: [enc] })
    await line.receiver.journal(ciphertext, Buffer.from([10, 200, 1]))
    expect(messages).toEqual([])
  })
})

describe("what a receipt says", () => {
  const list: BinaryNode[] = [
    { tag: "list", attrs: {}, content: ["D", "E"].map((id) => ({ tag: "item", attrs: { id } })) },
  ]
  test.each([
    [undefined, "delivered"],
    ["inactive", "delivered"],
    ["read", "read"],
    ["played", "read"],
  ])("of type %s is %s", async (type, status) => {
    expect(await confirm({ from: "555:2@lid", ...(type !== undefined && { type }) })).toEqual({
      chat: { kind: "person", phone: "491701", lid: "555" },
      wireIds: ["ABC"],
      status,
      at: 1_700_000_000_000,
    })
  })

  test("may be about several messages", async () => {
    expect((await confirm({ from: "555@lid", type: "read" }, list))?.wireIds).toEqual(["ABC", "D", "E"])
  })

  test("of a group is of that group, also when members are added up", async () => {
    const users: BinaryNode[] = [{ tag: "participants", attrs: { key: "F" }, content: [{ tag: "user", attrs: {} }] }]
    expect(await confirm({ from: GROUP, participant: "555@lid" })).toMatchObject({
      chat: { kind: "group", group: GROUP },
    })
    expect((await confirm({ from: GROUP, type: "read" }, users))?.wireIds).toEqual(["F"])
  })

  test.each([
    [{ from: "555@lid", type: "retry" }],
    [{ from: "555@lid", type: "server-error" }],
    [{ from: "4930123@s.whatsapp.net", type: "read-self" }],
    [{ from: "4930123:0@s.whatsapp.net", recipient: "555@lid" }],
    [{ from: GROUP, participant: "700:2@lid" }],
    [{ from: "status@broadcast", participant: "555@lid" }],
  ])("%j is nothing about our messages", async (attrs) => {
    expect(await confirm(attrs as Record<string, string>)).toBeUndefined()
  })
})

describe("why a connection ended", () => {
  test.each([
    [{ code: 401, fromServer: true, finished: true }, "logged-out"],
    [{ code: 401, fromServer: true, finished: false }, "pairing-incomplete"],
    [{ code: 401, fromServer: false, finished: true }, "pairing-incomplete"],
    [{ code: 515, fromServer: true, finished: true }, "restart-required"],
    [{ code: 408, fromServer: false, finished: false, words: "QR refs attempts ended" }, "qr-ended"],
    [{ code: 408, fromServer: false, finished: true }, "unreachable"],
    [{ code: 428, fromServer: false, finished: true }, "unreachable"],
    [{ code: 1006, fromServer: false, finished: true }, "unreachable"],
    [{ code: 411, fromServer: false, finished: true }, "not-accepted"],
    [{ code: 440, fromServer: true, finished: true }, "replaced"],
    [{ code: 599, fromServer: true, finished: true }, "unknown"],
    [{ code: null, fromServer: false, finished: true }, "unknown"],
  ])("%j: %s", (ending, reason) => {
    expect(reasonOf({ words: "", ...ending })).toBe(reason)
  })
})
