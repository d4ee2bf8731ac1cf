import type { Clock, Timer } from "../clock.ts"
import { wakeAt } from "./wake.ts"

/**
 * Lines of waiting: all in one line wait for the same thing. When its time has come the first is asked, and the next as soon
 * as that one goes, so that a thousand who wait cost no more than those who can go.
 */
export interface Queues<Waiter extends object> {
  /** Puts it at the end of the line of that name, or leaves it where it is; nobody there is asked before `until`. */
  stand(name: string, waiter: Waiter, until: number): void
  /** It has gone, or waits for something else. */
  leave(waiter: Waiter): void
  /** It stands in a line, and its turn has not come. */
  waits(waiter: Waiter): boolean
  /** Lets it be asked out of its turn, without losing its place. */
  call(waiter: Waiter): void
  /** When the first of its line is asked; undefined for one that stands in none. Epoch ms. */
  until(waiter: Waiter): number | undefined
  stop(): void
}

interface Queue<Waiter> {
  readonly name: string
  /** In their order. */
  readonly waiters: Set<Waiter>
  until: number
  /** None once the time has come. */
  timer: Timer | undefined
}

interface Place<Waiter> {
  readonly queue: Queue<Waiter>
  called: boolean
}

/** `ask` gets whoever is called; it ends up with `stand` or `leave`. */
export function createQueues<Waiter extends object>(clock: Clock, ask: (waiter: Waiter) => void): Queues<Waiter> {
  const queues = new Map<string, Queue<Waiter>>()
  const places = new Map<Waiter, Place<Waiter>>()

  const next = ({ waiters }: Queue<Waiter>): void => {
    const [first] = waiters
    const place = first && places.get(first)
    if (first === undefined || place === undefined || place.called) return
    place.called = true
    ask(first)
  }

  const leave = (waiter: Waiter): void => {
    const queue = places.get(waiter)?.queue
    if (queue === undefined) return
    places.delete(waiter)
    queue.waiters.delete(waiter)
    if (queue.waiters.size > 0) {
      if (queue.timer === undefined) next(queue)
      return
    }
    queue.timer?.cancel()
    queues.delete(queue.name)
  }

  return {
    stand(name, waiter, until) {
      if (places.get(waiter)?.queue.name !== name) leave(waiter)
      const queue = queues.get(name) ?? { name, waiters: new Set(), until, timer: undefined }
      queues.set(name, queue)
      queue.waiters.add(waiter)
      places.set(waiter, { queue, called: false })
      queue.until = until
      queue.timer?.cancel()
      queue.timer = wakeAt(clock, until, () => {
        queue.timer = undefined
        next(queue)
      })
    },
    leave,
    waits: (waiter) => places.get(waiter)?.called === false,
    call(waiter) {
      const place = places.get(waiter)
      if (place !== undefined) place.called = true
    },
    until: (waiter) => places.get(waiter)?.queue.until,
    stop() {
      for (const { timer } of queues.values()) timer?.cancel()
      queues.clear()
      places.clear()
    },
  }
}
