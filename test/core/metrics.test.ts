import { Registry } from "prom-client"
import { describe, expect, expectTypeOf, it } from "vitest"
import { createInstruments, type Instruments } from "../../core/loading/instruments.ts"
import { pluginFaults } from "../../core/loading/plugin-shape.ts"
import type { Metrics, MetricSnapshot, MetricSpecs } from "../../core/metrics.ts"
import { orderPlugins } from "../../core/order.ts"
import { definePlugin } from "../../core/plugin.ts"
import { startWhole } from "../http/whole.ts"

const specs = {
  greeter_greetings_total: {
    kind: "counter",
    help: "Greetings",
    labels: { company: "company", tone: ["warm", "cold"] },
  },
  greeter_visits_total: { kind: "counter", help: "Visits" },
  greeter_waiting: { kind: "gauge", help: "Guests waiting", labels: { room: ["hall"] } },
  greeter_wait_seconds: { kind: "histogram", help: "Waits", buckets: [0.1, 1] },
} as const satisfies MetricSpecs

function open(companies = 2): { instruments: Instruments; metrics: Metrics<typeof specs> } {
  const instruments = createInstruments({ companies })
  instruments.declare("greeter", specs)
  return { instruments, metrics: instruments.of("greeter") }
}

const seriesOf = (snapshot: readonly MetricSnapshot[], name: string) =>
  snapshot.find((metric) => metric.name === name)?.series

describe("what is counted", () => {
  it("adds up, shows the latest, and falls into its buckets", () => {
    const { metrics } = open()
    metrics.count("greeter_visits_total")
    metrics.count("greeter_visits_total", undefined, 2.5)
    metrics.count("greeter_greetings_total", { company: "salon-1", tone: "warm" }, 3)
    metrics.set("greeter_waiting", 7, { room: "hall" })
    metrics.set("greeter_waiting", -2, { room: "hall" })
    for (const seconds of [0.1, 0.5, 30]) metrics.observe("greeter_wait_seconds", seconds)
    const snapshot = metrics.snapshot()
    expect(snapshot.map(({ name, owner, kind, labels }) => [name, owner, kind, labels])).toEqual([
      ["greeter_greetings_total", "greeter", "counter", ["company", "tone"]],
      ["greeter_visits_total", "greeter", "counter", []],
      ["greeter_wait_seconds", "greeter", "histogram", []],
      ["greeter_waiting", "greeter", "gauge", ["room"]],
    ])
    expect(seriesOf(snapshot, "greeter_visits_total")).toEqual([{ labels: {}, value: 3.5 }])
    expect(seriesOf(snapshot, "greeter_greetings_total")).toEqual([
      { labels: { company: "salon-1", tone: "warm" }, value: 3 },
    ])
    expect(seriesOf(snapshot, "greeter_waiting")).toEqual([{ labels: { room: "hall" }, value: -2 }])
    const buckets = [
      { le: 0.1, count: 1 },
      { le: 1, count: 2 },
    ]
    expect(seriesOf(snapshot, "greeter_wait_seconds")).toEqual([{ labels: {}, count: 3, sum: 30.6, buckets }])
  })

  it("is a picture of its moment", () => {
    const { metrics } = open()
    const before = metrics.snapshot()
    metrics.count("greeter_visits_total")
    metrics.observe("greeter_wait_seconds", 1)
    expect(seriesOf(before, "greeter_visits_total")).toEqual([{ labels: {}, value: 0 }])
    expect(seriesOf(before, "greeter_wait_seconds")).toMatchObject([{ count: 0, sum: 0 }])
  })

  it("is all that Prometheus' own client needs to show it", async () => {
    const { metrics } = open()
    metrics.count("greeter_greetings_total", { company: "salon-1", tone: "warm" }, 3)
    metrics.set("greeter_waiting", 7, { room: "hall" })
    metrics.observe("greeter_wait_seconds", 0.5)
    const registry = new Registry()
    for (const metric of metrics.snapshot()) registry.registerMetric(shown(metric) as never)
    expect((await registry.metrics()).trimEnd().split("\n").filter(Boolean)).toEqual([
      "# HELP greeter_greetings_total Greetings",
      "# TYPE greeter_greetings_total counter",
      'greeter_greetings_total{company="salon-1",tone="warm"} 3',
      "# HELP greeter_visits_total Visits",
      "# TYPE greeter_visits_total counter",
      "greeter_visits_total 0",
      "# HELP greeter_wait_seconds Waits",
      "# TYPE greeter_wait_seconds histogram",
      'greeter_wait_seconds_bucket{le="0.1"} 0',
      'greeter_wait_seconds_bucket{le="1"} 1',
      'greeter_wait_seconds_bucket{le="+Inf"} 1',
      "greeter_wait_seconds_sum 0.5",
      "greeter_wait_seconds_count 1",
      "# HELP greeter_waiting Guests waiting",
      "# TYPE greeter_waiting gauge",
      'greeter_waiting{room="hall"} 7',
    ])
  })
})

/** A metric as Prometheus' client reads one that it did not make itself. */
function shown(metric: MetricSnapshot): object {
  const { name, help, kind } = metric
  const values =
    metric.kind !== "histogram"
      ? metric.series
      : metric.series.flatMap(({ labels, count, sum, buckets }) => [
          ...buckets.map(({ le, count }) => ({
            labels: { ...labels, le },
            value: count,
            metricName: `${name}_bucket`,
          })),
          { labels: { ...labels, le: "+Inf" }, value: count, metricName: `${name}_bucket` },
          { labels, value: sum, metricName: `${name}_sum` },
          { labels, value: count, metricName: `${name}_count` },
        ])
  return { name, get: async () => ({ name, help, type: kind, aggregator: "sum", values }) }
}

describe("labels", () => {
  it("say what was declared, and `other` for everything else: no phone, no path, no id", () => {
    const { instruments } = open()
    const loose = instruments.of("greeter") as unknown as {
      count(name: string, labels: Record<string, string>): void
    }
    const hostile = [
      "79001234567",
      "79001234567@s.whatsapp.net",
      "/api/whatsapp/messages/x",
      "3EB0ABCDEF",
      "warm\ncold",
    ]
    for (const tone of hostile) loose.count("greeter_greetings_total", { company: "salon-1", tone })
    expect(seriesOf(instruments.snapshot(), "greeter_greetings_total")).toEqual([
      { labels: { company: "salon-1", tone: "other" }, value: hostile.length },
    ])
  })

  it("have the first companies, as many as may be, and keep those; the rest is `other`", () => {
    const { metrics } = open(2)
    for (const company of ["a", "b", "c", "d", "a", "other", ""])
      metrics.count("greeter_greetings_total", { company, tone: "warm" })
    expect(seriesOf(metrics.snapshot(), "greeter_greetings_total")).toEqual([
      { labels: { company: "a", tone: "warm" }, value: 2 },
      { labels: { company: "b", tone: "warm" }, value: 1 },
      { labels: { company: "other", tone: "warm" }, value: 4 },
    ])
  })

  it("let go of a company that has been erased, lose no count, and have room for another", () => {
    const { instruments, metrics } = open(1)
    metrics.count("greeter_greetings_total", { company: "a", tone: "warm" }, 5)
    instruments.forget("a")
    instruments.forget("never-seen")
    metrics.count("greeter_greetings_total", { company: "b", tone: "warm" })
    expect(seriesOf(metrics.snapshot(), "greeter_greetings_total")).toEqual([
      { labels: { company: "other", tone: "warm" }, value: 5 },
      { labels: { company: "b", tone: "warm" }, value: 1 },
    ])
  })

  it("of a running house are as few companies as WHATSAPP_METRICS_COMPANIES says, until one is erased", async () => {
    let seen: Metrics | undefined
    const greeter = definePlugin({
      name: "greeter",
      description: "Counts",
      metrics: { greeter_calls_total: { kind: "counter", help: "Calls", labels: { company: "company" } } },
      setup({ on, metrics }) {
        seen = metrics as unknown as Metrics
        on("company:validate", ({ company }) => metrics.count("greeter_calls_total", { company }))
      },
    })
    const house = await startWhole({ WHATSAPP_METRICS_COMPANIES: "1" }, [greeter])
    const companies = (): string[] =>
      (seriesOf(seen?.snapshot() ?? [], "greeter_calls_total") ?? []).map(({ labels }) => labels.company as string)
    for (const company of ["salon-1", "salon-2"]) await house.call("PUT", `/api/whatsapp/companies/${company}`, {})
    expect(companies()).toEqual(["salon-1", "other"])
    expect(await house.call("DELETE", "/api/whatsapp/companies/salon-1")).toMatchObject({ status: 200 })
    await expect.poll(companies).toEqual(["other"])
    await house.stop()
  })
})

describe("what cannot be counted is a mistake of the plugin, and is said with its name", () => {
  const { instruments } = open()
  const loose = instruments.of("greeter") as unknown as Record<
    "count" | "set" | "observe",
    (...input: unknown[]) => void
  >
  it.each<[string, () => void, string]>([
    ["an unknown name", () => loose.count("greeter_visit_total"), "greeter_visit_total is not among its metrics"],
    ["another kind", () => loose.set("greeter_visits_total", 1), "greeter_visits_total is a counter"],
    ["a missing label", () => loose.count("greeter_greetings_total", { tone: "warm" }), "takes company, tone"],
    ["a label too many", () => loose.count("greeter_visits_total", { phone: "7" }), "takes no labels"],
    ["a step back", () => loose.count("greeter_visits_total", undefined, -1), "takes a number from 0"],
    ["no number", () => loose.observe("greeter_wait_seconds", Number.NaN), "takes a number"],
    [
      "another's instrument",
      () => (instruments.of("thief") as unknown as typeof loose).count("greeter_visits_total"),
      "Plugin thief: greeter_visits_total is not among its metrics",
    ],
    ["a name that is taken", () => instruments.declare("twin", specs), "has an owner already"],
  ])("%s", (_, run, message) => {
    const before = JSON.stringify(instruments.snapshot())
    expect(run).toThrow(message)
    expect(JSON.stringify(instruments.snapshot())).toBe(before)
  })
})

describe("a declaration stops the start when", () => {
  const faultsOf = (metrics: unknown): string[] =>
    pluginFaults({ name: "@acme/greeter", description: "Greets", setup: () => undefined, metrics })
  const counter = { kind: "counter", help: "Calls" }
  it.each<[string, unknown, string]>([
    ["it is no map", 5, "metrics must map names to { kind, help }"],
    ["a name is another's", { calls_total: counter }, "must begin with whatsapp_ or acme_greeter_"],
    ["a name is no name", { acme_greeter_Calls_total: counter }, "must be lower-case words joined by _"],
    ["a counter does not end so", { acme_greeter_calls: counter }, "must end with _total if it is a counter"],
    ["a gauge ends so", { acme_greeter_x_total: { ...counter, kind: "gauge" } }, "and only then"],
    ["Prometheus means something else by it", { whatsapp_x_count: { kind: "gauge", help: "X" } }, "must not end with"],
    ["there is no such kind", { whatsapp_x: { kind: "summary", help: "X" } }, "must have a kind: counter"],
    ["nothing is said of it", { whatsapp_x_total: { kind: "counter" } }, "must have help"],
    [
      "a label is open to anything",
      { whatsapp_x_total: { ...counter, labels: { phone: "any" } } },
      "must list the values",
    ],
    ["a label has no values", { whatsapp_x_total: { ...counter, labels: { a: [] } } }, "must list the values"],
    ["a label is taken", { whatsapp_x_total: { ...counter, labels: { le: ["1"] } } }, "cannot be one: le"],
    [
      "a histogram has companies",
      { whatsapp_x_seconds: { kind: "histogram", help: "X", labels: { company: "company" } } },
      "no series by company",
    ],
    ["buckets fall", { whatsapp_x: { kind: "histogram", help: "X", buckets: [2, 1] } }, "rising numbers"],
    [
      "it would grow too large",
      {
        whatsapp_x_total: {
          ...counter,
          labels: { a: "0123456789".split(""), b: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX".split("") },
        },
      },
      "more than 500 combinations",
    ],
  ])("%s", (_, metrics, fault) => {
    expect(faultsOf(metrics)).toEqual([expect.stringContaining(fault)])
  })

  it("two plugins want one name", () => {
    const plugin = (name: string) =>
      definePlugin({
        name,
        description: name,
        metrics: { whatsapp_calls_total: { kind: "counter", help: "C" } },
        setup() {},
      })
    expect(orderPlugins([plugin("one"), plugin("two")]).problems).toEqual([
      "Plugins one and two both declare the metric whatsapp_calls_total",
    ])
  })

  it("and is sound otherwise", () => {
    expect(pluginFaults({ name: "greeter", description: "Greets", setup: () => undefined, metrics: specs })).toEqual([])
  })
})

it("types know each metric's kind, labels and their values", () => {
  definePlugin({
    name: "greeter",
    description: "Shows the types",
    metrics: specs,
    setup({ metrics }) {
      expectTypeOf(metrics).toEqualTypeOf<Metrics<typeof specs>>()
      expectTypeOf<"greeter_waiting">().not.toExtend<Parameters<typeof metrics.count>[0]>()
      expectTypeOf<"greeter_greetings_total">().toExtend<Parameters<typeof metrics.count>[0]>()
      type Given = Parameters<typeof metrics.count<"greeter_greetings_total">>[1]
      expectTypeOf<Given>().toEqualTypeOf<{ readonly company: string; readonly tone: "warm" | "cold" }>()
    },
  })
  definePlugin({
    name: "silent",
    description: "Has no metrics",
    setup({ metrics }) {
      expectTypeOf<Parameters<typeof metrics.count>[0]>().toEqualTypeOf<never>()
    },
  })
})
