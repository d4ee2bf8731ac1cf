import type { PluginContext, RouteSpec } from "../../core/plugin.ts"
import type { Figures } from "./figures.ts"
import { createPause } from "./pause.ts"
import { CONTENT_TYPE, prometheusText } from "./prometheus.ts"
import type { Sampling } from "./sampling.ts"
import { HOUR_MS, RATE_WINDOW_MS } from "./schemas.ts"
import { METRICS } from "./series.ts"
import { specs } from "./specs.ts"
import type { Zero } from "./zero.ts"

/** What of the service `alerts` is shown here. */
export interface Alerts {
  current(): readonly Alert[]
}

interface Alert {
  readonly type: string
  readonly severity: string
  readonly message: string
  readonly value: number
  readonly threshold: number
  /** ISO 8601. */
  readonly since: string
  /** Of one that is a company's own. */
  readonly companyId?: string
}

export interface Shown {
  readonly figures: Figures
  readonly sampling: Sampling
  readonly zero: Pick<Zero, "reset">
  /** Undefined where nobody judges the figures. */
  readonly alerts: Alerts | undefined
}

type Context = Pick<
  PluginContext<unknown, "METRICS_DISABLED" | "NOT_FOUND" | "STORAGE_UNAVAILABLE">,
  "route" | "reject" | "companies" | "clock" | "metrics"
>

export function mountRoutes({ figures, sampling, zero, alerts }: Shown, context: Context): void {
  const { route, reject, companies, clock, metrics } = context
  const answer = <B extends object>(body: B) => ({ success: true, ...body, timestamp: clock.now() })
  /** As `answer`. What is made of a thousand companies, or of a day, is not also turned into text in one go. */
  const answerLater = async <B extends object>(make: () => B) => {
    const pause = createPause(clock)
    const body = answer(make())
    await pause()
    return body
  }

  route({ spec: specs.report, handle: () => answerLater(() => ({ metrics: figures.report() })) })

  route({
    spec: specs.company,
    async handle({ call: { company } }) {
      const counted = figures.company(company)
      if (counted !== undefined) return answer({ metrics: counted })
      if (await companies.exists(company)) return answer({ metrics: figures.uncounted(company) })
      return reject("NOT_FOUND", { message: "This company does not exist" })
    },
  })

  route({
    spec: specs.companies,
    async handle({ principal }) {
      const own = principal.company
      if (own === undefined) {
        return answerLater(() => {
          const all = figures.companies()
          return { companies: all, count: Object.keys(all).length }
        })
      }
      const mine: Record<string, unknown> = Object.create(null)
      const counted = figures.company(own) ?? ((await companies.exists(own)) ? figures.uncounted(own) : undefined)
      if (counted !== undefined) mine[own] = counted
      return answer({ companies: mine, count: Object.keys(mine).length })
    },
  })

  route({ spec: specs.performance, handle: () => answer({ performance: figures.performance() }) })

  route({
    spec: specs.timeseries,
    handle: ({ query: { metric, duration } }) => answer({ metric, duration, data: sampling.points(metric, duration) }),
  })

  route({ spec: specs.rate, handle: ({ query }) => answer({ rate: sampling.rate(query.window) }) })

  route({
    spec: specs.export,
    handle: () =>
      answerLater(() => {
        const { global, companies: each } = figures.report()
        const timeseries = Object.fromEntries(METRICS.map((metric) => [metric, sampling.points(metric, HOUR_MS)]))
        return {
          export: {
            global,
            companies: each,
            performance: figures.performance(),
            timeseries,
            rate: sampling.rate(RATE_WINDOW_MS),
            alerts: (alerts?.current() ?? []).map(shownAlert),
          },
        }
      }),
  })

  route({
    spec: specs.reset,
    async handle() {
      try {
        const { at, companies: begun } = await zero.reset()
        return answer({ reset: { at: new Date(at).toISOString(), companies: begun } })
      } catch (cause) {
        return reject("STORAGE_UNAVAILABLE", { cause })
      }
    },
  })

  route({
    spec: specs.prometheus,
    async handle() {
      const text = await prometheusText(metrics.snapshot(), clock)
      return new Response(text, { headers: { "content-type": CONTENT_TYPE } })
    },
  })
}

/** The same routes where nothing is sampled. */
export function mountDisabled({ route, reject }: Pick<Context, "route" | "reject">): void {
  for (const spec of Object.values<RouteSpec>(specs)) {
    // Whatever is asked for is not there.
    const { query: _, ...bare } = spec
    route({ spec: bare, handle: () => reject("METRICS_DISABLED") })
  }
}

function shownAlert({ type, severity, message, value, threshold, since, companyId }: Alert): Alert {
  const own = companyId === undefined ? {} : { companyId }
  return { type, severity, message, value, threshold, since, ...own }
}
