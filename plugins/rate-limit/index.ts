import { type Call, definePlugin, type Hold, type HoldContext, ms, type Quota, z } from "../../core/plugin.ts"
import { rateFinding } from "./diagnose.ts"
import { createQuotas, limitSetting, rateLimitSetting } from "./quota.ts"
import { createReach } from "./reach.ts"
import { createSharing } from "./sharing.ts"
import { createStampedMessages } from "./stamped.ts"
import { createWindows, type Stamped } from "./windows.ts"

type MaybePromise<T> = T | Promise<T>

const NAME = "rate-limit"
const seconds = (milliseconds: number): number => Math.ceil(milliseconds / 1_000)

export default definePlugin({
  name: NAME,
  description: "Keeps each company within a number of messages in any window of time; batches wait for room.",
  config: z.object({
    perCompany: limitSetting.default(100).describe("Messages that a company may send in one window"),
    windowMs: ms.default(60_000).describe("Length of that window (ms)"),
  }),
  env: {
    WHATSAPP_RATE_LIMIT_PER_COMPANY: "perCompany",
    WHATSAPP_RATE_LIMIT_WINDOW: "windowMs",
  },
  errors: {
    RATE_LIMIT_EXCEEDED: { status: 429, message: "Rate limit exceeded", retryable: true, stage: "message:limit" },
  },
  companySettings: {
    rateLimit: {
      schema: rateLimitSetting,
      description:
        "Messages in a window of the server's length, or `{ limit, windowMs }`; null for the server's limit. Only the admin key sets it",
      operatorSets: true,
    },
  },
  // What is held back for longer needs no place in the window.
  after: ["pacing"],

  setup({ config, on, reject, atomic, clock, log, companies }) {
    const quotaOf = createQuotas(config)
    const reach = createReach({
      clock,
      log,
      probe: async () => atomic.shared?.get(NAME),
      words: {
        lost: "The limits that processes share cannot be reached; this process keeps to the limit by itself",
        back: "The limits that processes share are back",
      },
    })
    const windows = createWindows({ atomic, reach })
    const sharing = createSharing(atomic.local, clock)
    const stamped = createStampedMessages(() => clock.monotonic())

    /** Stays without a promise where nothing has to be waited for. */
    const take = <T>(
      company: string,
      use: (quota: Quota) => Quota,
      then: (quota: Quota, stamp: Stamped) => T,
    ): MaybePromise<T> => {
      const within = (quota: Quota): MaybePromise<T> => {
        const stamp = windows.take(company, use(quota))
        return stamp instanceof Promise ? stamp.then((one) => then(quota, one)) : then(quota, stamp)
      }
      const settings = companies.settings(company)
      return settings instanceof Promise ? settings.then((own) => within(quotaOf(own))) : within(quotaOf(settings))
    }

    on("message:diagnose", async ({ company }) => {
      const quota = quotaOf(await companies.settings(company))
      return rateFinding(quota, await windows.left(company, quota))
    })

    const tell = ({ header }: Call, { limit, windowMs }: Quota, { remaining, resetMs }: Stamped): void => {
      header?.("ratelimit-policy", `"messages";q=${limit};w=${seconds(windowMs)}`)
      header?.("ratelimit", `"messages";r=${remaining};t=${seconds(resetMs)}`)
    }

    on("message:limit", (send) => {
      const { company, undo } = send
      let asked = { went: (): void => undefined }
      const ask = (quota: Quota): Quota => {
        asked = sharing.single(company, quota)
        return quota
      }
      return take(company, ask, (quota, stamp) => {
        tell(send, quota, stamp)
        undo(stamp.undo)
        if (!stamp.taken) return reject("RATE_LIMIT_EXCEEDED", { retryAfter: seconds(stamp.retryAfterMs) })
        asked.went()
        return undefined
      })
    })

    on("outbox:hold", (hold, context) => {
      const { company, message, batched } = context
      // A single send has had its stamp before it was accepted.
      if (!batched || stamped.has(company, message.messageId)) return hold
      const now = clock.now()
      if (hold.notBefore !== null && hold.notBefore > now) return hold
      return take(
        company,
        (quota) => sharing.batched(company, quota),
        ({ windowMs }, stamp) => stand(hold, context, windowMs, stamp),
      )
    })

    const stand = (hold: Hold, { company, message, undo }: HoldContext, windowMs: number, stamp: Stamped): Hold => {
      if (!stamp.taken) return { notBefore: clock.now() + Math.max(1, stamp.retryAfterMs), reason: NAME, queue: NAME }
      stamped.add(company, message.messageId, windowMs)
      undo(() => {
        stamped.delete(company, message.messageId)
        stamp.undo()
      })
      return hold
    }

    return () => reach.close()
  },
})
