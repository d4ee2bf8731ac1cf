import type { BinaryNode } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { toError } from "../../../core/errors.ts"
import type { Logger } from "../../../core/log.ts"
import type { ChatRef, Intake, ReceiptUpdate } from "../../../core/provider.ts"
import { forLibrary, type Endurance } from "./endurance.ts"
import { isGroupId, isIgnored } from "./jid.ts"
import type { People } from "./people.ts"

export interface Receipts {
  /** Takes a receipt in; to be called before the library sees it. */
  note(stanza: BinaryNode): void
  /** Resolves when all taken in so far are kept; never when the line ends first, so that nothing else is acknowledged. */
  kept(): Promise<void>
}

export interface ReceiptsOptions {
  readonly people: People
  readonly intake: Intake
  readonly endurance: Endurance
  readonly clock: Clock
  readonly log: Logger
}

/** Types by which others tell what became of our messages; without a type it is delivered. */
const STATUS: Readonly<Record<string, ReceiptUpdate["status"]>> = {
  delivered: "delivered",
  inactive: "delivered",
  read: "read",
  played: "read",
}

/**
 * Taken from the stanzas themselves: Baileys 7.0.0-rc14 merges a status into the event of the own message when it comes
 * within its buffering time, which for a fast peer is always.
 */
export function createReceipts({ people, intake, endurance, clock, log }: ReceiptsOptions): Receipts {
  let keeping: Promise<unknown> = Promise.resolve()

  async function keep(stanza: BinaryNode, status: ReceiptUpdate["status"]): Promise<void> {
    const { attrs } = stanza
    const chat = await chatOf(attrs["from"], people)
    if (!chat) return
    const seconds = Number(attrs["t"])
    const at = Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : clock.now()
    await endurance.run(() => intake.receipt({ chat, wireIds: idsOf(stanza), status, at }))
  }
  return {
    note(stanza) {
      const { from, participant, type = "delivered", id } = stanza.attrs
      const status = STATUS[type]
      if (!status || id === undefined || from === undefined || isIgnored(from) || people.isOwn(participant ?? from))
        return
      const kept = forLibrary(endurance, () => keep(stanza, status)).catch((thrown: unknown) => {
        log.error({ error: toError(thrown).message }, "a receipt could not be read")
      })
      // All run side by side: the store joins their writes.
      keeping = Promise.all([keeping, kept])
    },
    async kept() {
      await keeping
    },
  }
}

/** One id in the attributes, more in a list; aggregated ones of a group name theirs in `participants`. */
function idsOf({ attrs, content }: BinaryNode): string[] {
  const children = Array.isArray(content) ? content : []
  const listed = children
    .filter(({ tag }) => tag === "list")
    .flatMap((list) => (Array.isArray(list.content) ? list.content : []))
  const aggregated = children.filter(({ tag }) => tag === "participants").map((node) => node.attrs["key"])
  const all = aggregated.length > 0 ? aggregated : [attrs["id"], ...listed.map((item) => item.attrs["id"])]
  return [...new Set(all.filter((id) => id !== undefined))]
}

async function chatOf(from: string | undefined, people: People): Promise<ChatRef | undefined> {
  if (from !== undefined && isGroupId(from)) return { kind: "group", group: from }
  const person = await people.person(from)
  return person && { kind: "person", ...person }
}
