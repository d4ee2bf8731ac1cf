import { appError } from "../../../core/errors.ts"
import type { Journal } from "./journal.ts"

/** The open journals, one for each company: opened when first used, ended when nobody uses them. */
export interface Slots {
  /** Runs `work` on the company's journal, which stays open meanwhile. */
  use<T>(company: string, work: (journal: Journal) => Promise<T>): Promise<T>
  /** Closes the company's journal, does `then`, and lets others in again. */
  end(company: string, then?: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

interface Slot {
  readonly journal: Promise<Journal> | undefined
  users: number
  /** Called when the last user has gone. */
  empty?: () => void
  /** Set while the journal is being closed; whoever comes waits and opens it anew. */
  ending?: Promise<void>
}

export function createSlots(open: (company: string) => Promise<Journal>): Slots {
  const slots = new Map<string, Slot>()
  let closed = false

  function openSlot(company: string): Slot {
    const journal = open(company)
    const slot: Slot = { journal, users: 0 }
    slots.set(company, slot)
    // Damaged or unreadable now: whoever asks next looks again.
    journal.catch(() => {
      if (slots.get(company) === slot) slots.delete(company)
    })
    return slot
  }

  async function use<T>(company: string, work: (journal: Journal) => Promise<T>): Promise<T> {
    let slot = slots.get(company)
    while (slot?.ending !== undefined) {
      await slot.ending
      slot = slots.get(company)
    }
    if (closed) throw appError("STORAGE_UNAVAILABLE", { cause: new Error("The store is closed") })
    slot ??= openSlot(company)
    slot.users++
    try {
      return await work(await (slot.journal as Promise<Journal>))
    } finally {
      if (--slot.users === 0) slot.empty?.()
    }
  }

  async function close(slot: Slot): Promise<void> {
    if (slot.users > 0) {
      await new Promise<void>((resolve) => {
        slot.empty = resolve
      })
    }
    // A journal that did not open has nothing to close.
    await (await slot.journal?.catch(() => undefined))?.close()
  }

  async function end(company: string, then?: () => Promise<void>): Promise<void> {
    let before = slots.get(company)
    while (before?.ending !== undefined) {
      await before.ending
      before = slots.get(company)
    }
    const slot: Slot = before ?? { journal: undefined, users: 0 }
    const ended = close(slot).then(then)
    // Those who wait for the end do not care how it ended.
    slot.ending = ended.catch(() => undefined)
    slots.set(company, slot)
    try {
      await ended
    } finally {
      slots.delete(company)
    }
  }

  return {
    use,
    end,
    async close() {
      closed = true
      await Promise.all([...slots.keys()].map((company) => end(company)))
    },
  }
}
