/** Figures as people read them. */

/** Thousands with commas: `12,345`. */
export const count = (value: number): string => Math.round(value).toLocaleString("en-US")

/** `12/min`, and one digit behind the point where there are few. */
export function rate(perMinute: number | undefined): string {
  if (perMinute === undefined) return "–/min"
  return `${perMinute < 10 && !Number.isInteger(perMinute) ? perMinute.toFixed(1) : count(perMinute)}/min`
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"]
  let size = value
  let unit = 0
  while (size >= 1_000 && unit < units.length - 1) {
    size /= 1_000
    unit++
  }
  return `${size < 10 && unit > 0 ? size.toFixed(1) : Math.round(size)} ${units[unit]}`
}

/** `850 ms`, `12 s`, `3 min`, `4 h 12 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = Math.floor(ms / 1_000)
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  const days = Math.floor(hours / 24)
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`
}

/** Seconds, where there are any, otherwise with what follows the point. */
export function latency(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1_000).toFixed(0)} s`
  if (ms >= 1_000) return `${(ms / 1_000).toFixed(1)} s`
  return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
}

/** `09:14:05` of the reader's own day. */
export function time(at: number): string {
  const date = new Date(at)
  return [date.getHours(), date.getMinutes(), date.getSeconds()].map((part) => String(part).padStart(2, "0")).join(":")
}
