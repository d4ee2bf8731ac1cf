import { read } from "../house/source.ts"

/** The Grafana dashboard, as far as tests look at it. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly panels: readonly Panel[]
  readonly templating: { readonly list: readonly Variable[] }
}

export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number }
  readonly datasource?: { readonly type: string; readonly uid: string }
  readonly targets?: readonly {
    readonly expr: string
    readonly refId: string
    readonly datasource: { readonly uid: string }
  }[]
}

interface Variable {
  readonly name: string
  readonly type: string
  readonly datasource?: { readonly uid: string }
  readonly definition?: string
  readonly query: unknown
}

export const readDashboard = (): Dashboard => JSON.parse(read("config/grafana/switchboard.json")) as Dashboard

export interface Expression {
  readonly of: string
  readonly expr: string
}

/** What Grafana would ask Prometheus for, panel by panel and variable by variable, with every server chosen. */
export function expressions({ panels, templating }: Dashboard, window: string): readonly Expression[] {
  const filled = (expr: string): string =>
    expr.replaceAll("$__rate_interval", window).replaceAll("$__range", window).replaceAll("$instance", ".*")
  const ofPanels = panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr, refId }) => ({ of: `${title} ${refId}`, expr: filled(expr) })),
  )
  const ofVariables = templating.list
    .filter(({ type }) => type === "query")
    .map(({ name, definition = "" }) => {
      const [, metric, label] = /^label_values\((.*), (\w+)\)$/.exec(definition) ?? []
      if (metric === undefined) throw new Error(`The variable ${name} is not understood: ${definition}`)
      return { of: `variable ${name}`, expr: `count by (${label}) (${filled(metric)})` }
    })
  return [...ofPanels, ...ofVariables]
}
