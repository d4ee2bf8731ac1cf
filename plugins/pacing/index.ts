import { definePlugin, type Hold, type HoldContext } from "../../core/plugin.ts"
import { count, createCounts, type Day } from "./counts.ts"
import { answering, paceFinding, unpaced, type Wait } from "./diagnose.ts"
import { createPace } from "./pace.ts"
import { config, createPolicies, pacingSetting, type Policy } from "./policy.ts"
import { quietUntil } from "./quiet-hours.ts"
import { createReplies } from "./replies.ts"

type MaybePromise<T> = T | Promise<T>

/** What is known of a message when it is asked whether it may go. */
type Asking = Pick<HoldContext, "company" | "opensChat"> & {
  readonly message: Pick<HoldContext["message"], "messageId" | "chatId" | "group">
}

const SWEEP_MS = 600_000

/** Without a promise where nothing has to be waited for. */
const after = <A, B>(value: MaybePromise<A>, then: (value: A) => MaybePromise<B>): MaybePromise<B> =>
  value instanceof Promise ? value.then(then) : then(value)

export default definePlugin({
  name: "pacing",
  description:
    "Holds messages back so that a line writes like a person does: pace, daily caps, quiet hours. Off by default.",
  config,
  env: {
    WHATSAPP_PACING_ENABLED: "enabled",
    WHATSAPP_PACING_INTERVAL: "intervalMs",
    WHATSAPP_PACING_JITTER: "jitter",
    WHATSAPP_PACING_DAILY_CAP: "dailyCap",
    WHATSAPP_PACING_FIRST_CONTACTS: "firstContacts",
    WHATSAPP_PACING_QUIET_HOURS: "quietHours",
    WHATSAPP_PACING_TIME_ZONE: "timeZone",
    WHATSAPP_PACING_RECIPIENT_SPACING: "recipientSpacingMs",
    WHATSAPP_PACING_REPLY_WINDOW: "replyWindowMs",
  },
  companySettings: {
    pacing: {
      schema: pacingSetting,
      description:
        "Pacing of this company, by the names of the plugin's settings; what is left out is as the server has it. Only the admin key sets it",
      operatorSets: true,
    },
  },

  setup({ config: server, on, clock, storage, companies, background }) {
    const policyOf = createPolicies(server)
    const counts = createCounts(storage, (company) => companies.generation(company))
    const replies = createReplies(storage, clock)
    const pace = createPace(clock)

    const policyFor = (company: string): MaybePromise<Policy> => after(companies.settings(company), policyOf)

    on("message:received", ({ message: { companyId, chatId, times } }) =>
      after(policyFor(companyId), ({ enabled, replyWindowMs }) => {
        const at = times.sent ?? clock.now()
        return enabled && replyWindowMs > 0 ? replies.heard(companyId, chatId, at, replyWindowMs) : undefined
      }),
    )

    on("outbox:hold", (hold, context) =>
      after(policyFor(context.company), (policy) => {
        if (!policy.enabled || (hold.notBefore !== null && hold.notBefore > clock.now())) return hold
        const { company, message } = context
        return after(replies.isReply(company, message.chatId, policy.replyWindowMs), (isReply) =>
          isReply ? hold : after(dayOf(company, policy), (day) => judge(hold, context, policy, day)),
        )
      }),
    )

    on("message:diagnose", async ({ company, chatId, person: { group }, opensChat }) => {
      const policy = await policyFor(company)
      if (!policy.enabled) return unpaced
      if (await replies.isReply(company, chatId, policy.replyWindowMs)) return answering
      const day = await dayOf(company, policy)
      // No message has this id, so that it counts as one that is not counted yet.
      const asking = { company, opensChat, message: { messageId: "", chatId, group } }
      return paceFinding(policy, day, longestOf(waits(asking, policy, day)))
    })

    const dayOf = (company: string, { dailyCap, firstContacts, time }: Policy): MaybePromise<Day | undefined> =>
      dailyCap === 0 && firstContacts === 0 ? undefined : counts.of(company, time.at(clock.now()).date)

    const judge = (hold: Hold, context: HoldContext, policy: Policy, day: Day | undefined): MaybePromise<Hold> => {
      const longest = longestOf(waits(context, policy, day))
      if (longest === undefined) return go(hold, context, policy, day)
      const { until: notBefore, reason } = longest
      return { notBefore, reason, queue: reason === "recipient-spacing" ? null : `pacing ${reason}` }
    }

    /** Everything that the message has to wait for just now. */
    const waits = ({ company, message, opensChat }: Asking, policy: Policy, day: Day | undefined): Wait[] => {
      const now = clock.now()
      const all: Wait[] = []
      const wait = (reason: Wait["reason"], until: number): void => {
        if (until > now) all.push({ reason, until })
      }
      const { quietHours, time, dailyCap, firstContacts, recipientSpacingMs } = policy
      if (quietHours !== undefined) wait("quiet-hours", quietUntil(quietHours, time, now) ?? 0)
      if (day !== undefined) {
        const { messageId, chatId, group } = message
        const full = dailyCap > 0 && day.sent >= dailyCap && !day.messages.has(messageId)
        const begins = opensChat && group === null && !day.chats.has(chatId)
        if (full) wait("daily-cap", time.nextDay(now))
        if (begins && firstContacts > 0 && day.begun >= firstContacts) wait("first-contacts", time.nextDay(now))
      }
      const times = pace.wait(company, message.chatId, recipientSpacingMs)
      wait("recipient-spacing", now + times.spacing)
      wait("pace", now + times.pace)
      return all
    }

    /** It goes now, and counts from here on; what it has taken comes back should it not go after all. */
    const go = (hold: Hold, context: HoldContext, policy: Policy, day: Day | undefined): MaybePromise<Hold> => {
      const { company, message, opensChat, undo } = context
      undo(pace.take(company, message.chatId, policy.intervalMs * (1 + policy.jitter * Math.random())))
      if (day === undefined) return hold
      const begins = opensChat && message.group === null && !day.chats.has(message.chatId)
      const takeBack = count(day, message.messageId, begins ? message.chatId : undefined)
      if (takeBack === undefined) return hold
      undo(takeBack)
      return counts.keep(company, day).then(() => hold)
    }

    const sweep = clock.every(SWEEP_MS, () => background("sweep", () => replies.sweep()))
    return () => sweep.cancel()
  },
})

const longestOf = (waits: readonly Wait[]): Wait | undefined => waits.toSorted((a, b) => b.until - a.until)[0]
