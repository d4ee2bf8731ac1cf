import type { Instruments } from "../loading/instruments.ts"
import type { MetricSpecs } from "../metrics.ts"
import type { Latencies } from "../monitor.ts"
import type { LatencyBook } from "./latencies.ts"
import type { Meter, StoreOperation } from "./meter.ts"

const STATUSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const
const OPERATIONS: readonly StoreOperation[] = ["get", "load", "commit"]
/** The name of the ledger among the stores. */
export const LEDGER = "ledger"

const histogram = (help: string, buckets: readonly number[]) => ({ kind: "histogram", help, buckets }) as const
const NAMES: Readonly<Record<keyof Latencies, string>> = {
  messageLatency: "whatsapp_message_send_seconds",
  sessionInitTime: "whatsapp_session_init_seconds",
  reconnectTime: "whatsapp_reconnect_seconds",
}
const WAIT = "whatsapp_message_wait_seconds"
const REQUESTS = "whatsapp_http_requests_total"
const REQUEST = "whatsapp_http_request_seconds"
const STORAGE = "whatsapp_storage_seconds"

const specsFor = (stores: readonly string[]): MetricSpecs => ({
  [NAMES.messageLatency]: histogram(
    "From handing a message to the provider until WhatsApp has acknowledged it",
    [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
  ),
  [WAIT]: histogram(
    "From accepting a message until it is handed to the provider for the first time",
    [0.01, 0.05, 0.25, 1, 5, 15, 60, 300, 900, 3_600, 21_600],
  ),
  [NAMES.sessionInitTime]: histogram(
    "From the beginning of a session until it is connected, where nobody had to link it meanwhile",
    [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300],
  ),
  [NAMES.reconnectTime]: histogram(
    "From the loss of a connection until there is one again",
    [0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800],
  ),
  [STORAGE]: {
    ...histogram(
      "What stores and the ledger take for an operation",
      [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5],
    ),
    labels: { store: stores, operation: OPERATIONS },
  },
  [REQUESTS]: { kind: "counter", help: "Answered requests, by class of status", labels: { status: STATUSES } },
  [REQUEST]: { kind: "histogram", help: "What requests take to be answered" },
})

const MS = 1_000

/** Makes the house's own histograms; `stores` are the names of all stores there can be. */
export function createHouseMeter(
  instruments: Instruments,
  owner: string,
  latencies: Pick<LatencyBook, "note">,
  stores: readonly string[],
): Meter {
  instruments.declare(owner, specsFor([LEDGER, ...stores]))
  const bind = (name: string, labels?: Record<string, string>) => instruments.bind(owner, name, labels)
  const observe = {
    messageLatency: bind(NAMES.messageLatency),
    sessionInitTime: bind(NAMES.sessionInitTime),
    reconnectTime: bind(NAMES.reconnectTime),
  }
  const wait = bind(WAIT)
  const request = bind(REQUEST)
  const requests = STATUSES.map((status) => bind(REQUESTS, { status }))
  return {
    note(kind, ms) {
      latencies.note(kind, ms)
      observe[kind](ms / MS)
    },
    waited: (ms) => wait(ms / MS),
    answered(status, ms) {
      requests[Math.floor(status / 100) - 1]?.(1)
      request(ms / MS)
    },
    stored(store, operation) {
      const note = bind(STORAGE, { store, operation })
      return (ms) => note(ms / MS)
    },
  }
}
