import type { BinaryNode, WASocket, proto } from "@whiskeysockets/baileys"
import type { Clock, Timer } from "../../../core/clock.ts"
import { toError } from "../../../core/errors.ts"
import type { OutgoingMessage, SendOutcome } from "../../../core/provider.ts"
import type { Restriction } from "../../../core/types.ts"
import type { Library } from "./load-baileys.ts"
import type { Recipients } from "./recipients.ts"

const NEW_CHATS_BARRED = "463"
const STALE_DEVICES = "479"

export interface Sender {
  send(message: OutgoingMessage): Promise<SendOutcome>
  /** An `<ack class="message">`. */
  acknowledge(ack: BinaryNode): void
  /** The library is about to encrypt this message object: from here on it may leave. */
  leaving(message: proto.IMessage): void
  /** The connection is over: everything pending settles now. */
  end(cause: Error): void
}

export interface SenderOptions {
  readonly library: Library
  readonly sock: WASocket
  readonly recipients: Recipients
  readonly clock: Clock
  readonly deadlineMs: number
  restriction(): Restriction | null
  /** WhatsApp refused because this account may not start new chats. */
  onBarred(): void
  /** A send did not settle in time. */
  onStuck(): void
}

interface Flight {
  readonly to: { jid?: string }
  mayHaveLeft: boolean
  settle(outcome: SendOutcome): void
}

export function createSender(options: SenderOptions): Sender {
  const { library, sock, recipients, clock } = options
  const flights = new Map<string, Flight>()
  const byMessage = new WeakMap<proto.IMessage, Flight>()
  let over: Error | undefined

  async function drive({ id, to, wire }: OutgoingMessage, flight: Flight): Promise<void> {
    const jid = await recipients.find(to)
    if (jid === undefined) return flight.settle({ outcome: "not-on-whatsapp" })
    if (over) return
    flight.to.jid = jid
    const message = library.proto.Message.decode(wire)
    byMessage.set(message, flight)
    await sock.relayMessage(jid, message, { messageId: id })
  }
  function refused(code: string, flight: Flight): SendOutcome {
    if (code === NEW_CHATS_BARRED) {
      options.onBarred()
      const restriction = options.restriction() ?? { kind: "new-chats", until: null }
      return { outcome: "refused", code, reason: "WhatsApp does not let this account start new chats now", restriction }
    }
    if (code === STALE_DEVICES && flight.to.jid !== undefined) recipients.forget(flight.to.jid)
    return { outcome: "refused", code, reason: `WhatsApp refused the message (${code})` }
  }
  /** The library gave up while the connection stands: nothing was written, unless it was the writing that took too long. */
  function failed(thrown: unknown, flight: Flight): SendOutcome {
    const cause = toError(thrown)
    const whileWriting = flight.mayHaveLeft && (!sock.ws.isOpen || cause.message === "Timed Out")
    return whileWriting ? { outcome: "unknown", cause } : { outcome: "not-sent", cause }
  }
  function ended(cause: Error, flight: Flight): SendOutcome {
    return flight.mayHaveLeft ? { outcome: "unknown", cause } : { outcome: "not-sent", cause }
  }

  return {
    send(message) {
      if (over) return Promise.resolve({ outcome: "not-sent", cause: over })
      return new Promise((resolve) => {
        let deadline: Timer | undefined
        const flight: Flight = {
          to: {},
          mayHaveLeft: false,
          settle(outcome) {
            if (flights.get(message.id) !== flight) return
            flights.delete(message.id)
            deadline?.cancel()
            resolve(outcome)
          },
        }
        flights.set(message.id, flight)
        deadline = clock.after(options.deadlineMs, () => {
          flight.settle(ended(new Error("WhatsApp did not acknowledge the message in time"), flight))
          options.onStuck()
        })
        drive(message, flight).catch((thrown: unknown) => flight.settle(failed(thrown, flight)))
      })
    },
    acknowledge({ attrs }) {
      const flight = attrs["id"] === undefined ? undefined : flights.get(attrs["id"])
      if (!flight) return
      if (attrs["error"] !== undefined) return flight.settle(refused(attrs["error"], flight))
      const seconds = Number(attrs["t"])
      const at = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : clock.now()
      flight.settle({ outcome: "acknowledged", at })
    },
    leaving(message) {
      const flight = byMessage.get(message)
      if (flight) flight.mayHaveLeft = true
    },
    end(cause) {
      over = cause
      for (const flight of [...flights.values()]) flight.settle(ended(cause, flight))
    },
  }
}
