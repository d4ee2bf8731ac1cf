import type { Instruments } from "../loading/instruments.ts"
import type { MetricSpecs, NumberSeries } from "../metrics.ts"
import { ERROR_CLASSES } from "../monitor.ts"
import type { TotalsBook } from "./totals-book.ts"
import type { TotalKey } from "./totals.ts"

const COMPANY = { company: "company" } as const
const counter = (help: string) => ({ kind: "counter", help, labels: COMPANY }) as const

const OF: Readonly<Record<string, TotalKey>> = {
  whatsapp_messages_sent_total: "sent",
  whatsapp_messages_received_total: "received",
  whatsapp_messages_failed_total: "failed",
  whatsapp_messages_blocked_total: "blocked",
  whatsapp_media_sent_total: "mediaSent",
  whatsapp_media_received_total: "mediaReceived",
  whatsapp_connections_total: "connections",
  whatsapp_disconnections_total: "disconnections",
}
const ERRORS = "whatsapp_errors_total"

const specs: MetricSpecs = {
  whatsapp_messages_sent_total: counter("Messages that WhatsApp has acknowledged"),
  whatsapp_messages_received_total: counter("Messages from persons and groups"),
  whatsapp_messages_failed_total: counter("Messages that have failed for good"),
  whatsapp_messages_blocked_total: counter("Inbound messages dropped because their sender is blocked"),
  whatsapp_media_sent_total: counter("Messages with an attachment that WhatsApp has acknowledged"),
  whatsapp_media_received_total: counter("Messages with an attachment from persons and groups"),
  whatsapp_connections_total: counter("How often lines came to be connected"),
  whatsapp_disconnections_total: counter("How often lines that were connected ceased to be"),
  [ERRORS]: {
    kind: "counter",
    help: "Messages that have failed for good, by the kind of error",
    labels: { ...COMPANY, class: ERROR_CLASSES },
  },
}

/** Shows the durable totals as counters that go on over restarts. */
export function showTotals(instruments: Instruments, owner: string, book: Pick<TotalsBook, "series">): void {
  instruments.declare(owner, specs)
  for (const [name, key] of Object.entries(OF)) instruments.show(owner, name, () => book.series(key))
  instruments.show(owner, ERRORS, () =>
    ERROR_CLASSES.flatMap((name): NumberSeries[] =>
      book.series(`error:${name}`).map(({ labels, value }) => ({ labels: { ...labels, class: name }, value })),
    ),
  )
}
