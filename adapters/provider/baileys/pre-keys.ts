import type { BinaryNode, WASocket } from "@whiskeysockets/baileys"
import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import type { Credentials } from "./creds.ts"
import type { Library } from "./load-baileys.ts"
import { iq } from "./questions.ts"
import { PRE_KEY } from "./signal/own-keys.ts"

/** As many as WhatsApp Web hands in at first. */
const FIRST_STOCK = 812
const REFILL = 100
/** At or below this, Baileys would hand in some itself. */
const LOW = 5

/**
 * Keeps WhatsApp stocked with one-time keys, ahead of Baileys: its own upload leaves a timer of 30 s behind that holds the
 * process, and refills by five.
 */
export interface PreKeys {
  /** To be awaited before the library goes through its login. Never rejects. */
  beforeLogin(): Promise<void>
  /** Handles WhatsApp's notice that the stock is low; false when the stanza is something else. */
  notice(stanza: BinaryNode): boolean
}

export interface PreKeysOptions {
  readonly library: Library
  readonly sock: WASocket
  readonly credentials: Credentials
  readonly log: Logger
}

export function createPreKeys({ library, sock, credentials, log }: PreKeysOptions): PreKeys {
  const { creds } = credentials
  let uploading: Promise<void> | undefined

  async function handIn(count: number): Promise<void> {
    const first = creds.firstUnuploadedPreKeyId
    const { update, node } = await library.getNextPreKeysNode({ creds, keys: sock.authState.keys }, count)
    Object.assign(creds, update)
    // Durable before they are handed in: a first message made with a key that is lost could never be read.
    await credentials.save()
    try {
      await sock.query(node)
    } catch (thrown) {
      // WhatsApp said no: these are handed in the next time, instead of as many new ones each time.
      const untouched = creds.firstUnuploadedPreKeyId === update.firstUnuploadedPreKeyId
      if (sock.ws.isOpen && untouched) creds.firstUnuploadedPreKeyId = first
      throw thrown
    }
  }
  function handInOnce(count: number): Promise<void> {
    uploading ??= handIn(count).finally(() => {
      uploading = undefined
    })
    return uploading
  }
  async function newestIsThere(): Promise<boolean> {
    const id = String(creds.nextPreKeyId - 1)
    return id === "0" || id in (await sock.authState.keys.get(PRE_KEY, [id]))
  }
  async function stockUp(): Promise<void> {
    const answer: BinaryNode = await sock.query(iq(sock, "get", "encrypt", { tag: "count", attrs: {} }))
    const left = Number(library.getBinaryNodeChild(answer, "count")?.attrs["value"])
    if (left === 0) await handInOnce(FIRST_STOCK)
    else if (left <= LOW || !(await newestIsThere())) await handInOnce(REFILL)
  }
  const report = (thrown: unknown) => log.warn({ error: toError(thrown).message }, "one-time keys were not handed in")

  return {
    beforeLogin: () => stockUp().catch(report),
    notice(stanza) {
      const { type, from } = stanza.attrs
      if (type !== "encrypt" || from !== library.S_WHATSAPP_NET || !library.getBinaryNodeChild(stanza, "count")) {
        return false
      }
      stockUp()
        .catch(report)
        .then(() => sock.sendMessageAck(stanza))
        .catch(report)
      return true
    },
  }
}
