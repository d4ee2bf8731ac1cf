import { appError } from "../errors.ts"
import type { LineDeps } from "./line.ts"
import type { Attempt } from "./attempt.ts"
import type { Engine } from "./engine.ts"
import type { LineState } from "./state.ts"
import { NO_PROOF } from "../views.ts"
import { within } from "../within.ts"

/** Signs of life: WhatsApp is asked when a connected line has been silent, and whenever somebody wants to know. */
export interface Proof {
  /** Asks whenever nothing has been heard for the keep-alive interval, and ends a connection that does not answer. */
  watch(mine: Attempt): void
  /** Resolves when WhatsApp has answered; rejects without a connection, and without an answer within `timeoutMs`. */
  ask(timeoutMs: number): Promise<void>
  /**
   * Ends the connection on which the last `ask` had no answer, so that the line reconnects by its own rules. False, with
   * nothing done, when that one is gone, or something has been heard on it since.
   */
  heal(): boolean
}

const PROVE_MS = 15_000
/** For a proof whose own deadline does not come. */
const BEHIND_PROOF_MS = 5_000
const SHORTEST_REST_MS = 1_000
/** The end of a wait: an answer that came while the process was busy is read before it counts as late. */
const GRACE_MS = 200

export function createProof({ settings, clock }: LineDeps, state: LineState, engine: () => Engine): Proof {
  /** However many want to know, a connection has one question at a time. */
  let asking: { readonly mine: Attempt; readonly answer: Promise<void> } | undefined
  let unanswered: { readonly mine: Attempt; readonly heard: number | null } | undefined

  const question = (mine: Attempt): Promise<void> => {
    if (asking?.mine === mine) return asking.answer
    const { connection } = mine
    if (connection === undefined) return Promise.reject(appError("NO_ACTIVE_SESSION"))
    const answer = connection.prove(PROVE_MS).then(() => {
      if (engine().attempt === mine) state.live.lastProofAt = clock.now()
    })
    asking = { mine, answer }
    const over = (): void => {
      if (asking?.answer === answer) asking = undefined
    }
    answer.then(over, over)
    return answer
  }

  const end = (mine: Attempt): void => engine().closed(mine, "unreachable", null, NO_PROOF, NO_PROOF)

  const watch = (mine: Attempt): void => {
    const due = (state.live.lastProofAt ?? 0) + settings.keepAliveMs
    engine().arm(Math.max(SHORTEST_REST_MS, due - clock.now()), () => {
      const silent = clock.now() - (state.live.lastProofAt ?? 0)
      if (silent < settings.keepAliveMs || mine.connection === undefined) return watch(mine)
      engine().arm(PROVE_MS + BEHIND_PROOF_MS, () => end(mine))
      question(mine).then(
        () => {
          if (engine().attempt === mine) watch(mine)
        },
        () => end(mine),
      )
    })
  }

  return {
    watch,

    async ask(timeoutMs) {
      const mine = state.record.state === "connected" ? engine().attempt : undefined
      if (mine?.connection === undefined) throw appError("NO_ACTIVE_SESSION")
      const heard = state.live.lastProofAt
      const grace = Math.min(GRACE_MS, timeoutMs / 2)
      try {
        const answer = question(mine)
        if (await within(clock, timeoutMs - grace, answer)) return
        if (await within(clock, grace, answer)) return
        throw new Error("WhatsApp did not answer in time")
      } catch (thrown) {
        unanswered = { mine, heard }
        throw thrown
      }
    },

    heal() {
      const { attempt } = engine()
      if (attempt === undefined || unanswered?.mine !== attempt || state.live.lastProofAt !== unanswered.heard) {
        return false
      }
      end(attempt)
      return true
    },
  }
}
