import type { BinaryNode, GroupMetadata, GroupParticipant } from "@whiskeysockets/baileys"
import type { Clock } from "../../../core/clock.ts"
import { createBoundedMap } from "./bounded-map.ts"

const MOST_GROUPS = 32
const MAX_AGE_MS = 10 * 60_000

/** Who is in a group, as far as sending needs it: without it every group message costs a query. */
export interface GroupCache {
  get(group: string, fetch: (group: string) => Promise<GroupMetadata>): Promise<GroupMetadata>
  /** Forgets a group about which a notification came. */
  note(notification: BinaryNode): void
}

export function createGroupCache(clock: Clock): GroupCache {
  const groups = createBoundedMap<Promise<GroupMetadata>>({ max: MOST_GROUPS, maxAgeMs: MAX_AGE_MS, clock })
  return {
    get(group, fetch) {
      const known = groups.get(group)
      if (known) return known
      const asked = fetch(group).then(slim)
      groups.set(group, asked)
      // Whoever waits for it hears of the failure; the next one asks anew.
      asked.catch(() => groups.delete(group))
      return asked
    },
    note({ attrs }) {
      if (attrs["type"] === "w:gp2" && attrs["from"] !== undefined) groups.delete(attrs["from"])
    },
  }
}

/** Names, pictures and descriptions are not needed to send. */
function slim(metadata: GroupMetadata): GroupMetadata {
  const { id, addressingMode, ephemeralDuration } = metadata
  const participants: GroupParticipant[] = metadata.participants.map((member) => ({ id: member.id }))
  return {
    id,
    participants,
    owner: undefined,
    subject: "",
    ...(addressingMode && { addressingMode }),
    ...(ephemeralDuration !== undefined && { ephemeralDuration }),
  }
}
