import type { Latencies, LatencySummary } from "../monitor.ts"

/** The latest measurements of what takes time, in ms. */
export interface LatencyBook {
  note(kind: keyof Latencies, ms: number): void
  read(): Latencies
  clear(): void
}

/** Of each kind: enough that one in a hundred is still a hundred. */
const KEPT = 10_000

interface Ring {
  readonly values: Float64Array
  count: number
}

export function createLatencyBook(): LatencyBook {
  const ring = (): Ring => ({ values: new Float64Array(KEPT), count: 0 })
  const rings: Record<keyof Latencies, Ring> = {
    messageLatency: ring(),
    sessionInitTime: ring(),
    reconnectTime: ring(),
  }
  return {
    note(kind, ms) {
      const { values, count } = rings[kind]
      values[count % KEPT] = ms
      rings[kind].count = count + 1
    },
    read: () => ({
      messageLatency: summary(rings.messageLatency),
      sessionInitTime: summary(rings.sessionInitTime),
      reconnectTime: summary(rings.reconnectTime),
    }),
    clear() {
      for (const one of Object.values(rings)) one.count = 0
    },
  }
}

/** Percentiles by nearest rank. */
function summary({ values, count }: Ring): LatencySummary {
  const samples = Math.min(count, KEPT)
  if (samples === 0) return { avg: 0, min: 0, max: 0, p50: 0, p95: 0, p99: 0, samples: 0 }
  const sorted = values.slice(0, samples).sort()
  const at = (share: number): number => round(sorted[Math.max(0, Math.ceil(share * samples) - 1)] ?? 0)
  const sum = sorted.reduce((all, one) => all + one, 0)
  return { avg: round(sum / samples), min: at(0), max: at(1), p50: at(0.5), p95: at(0.95), p99: at(0.99), samples }
}

const round = (ms: number): number => Math.round(ms * 100) / 100
