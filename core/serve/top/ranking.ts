import type { Changes, Company, Figures } from "./figures.ts"

/** By what a company is among the worst. */
export const ORDERS = ["errors", "queue", "silence"] as const
export type Order = (typeof ORDERS)[number]

export const isOrder = (text: string): text is Order => ORDERS.some((order) => order === text)

/** How long nothing has come or gone, in ms; Infinity for a line that never did anything. */
export function silenceOf({ lastActivity }: Company, at: number): number | undefined {
  if (lastActivity === undefined) return undefined
  return lastActivity === null ? Infinity : Math.max(0, at - lastActivity)
}

/** The worst first; those that have nothing of the kind are left out. */
export function worst(figures: Figures, changes: Changes, order: Order): Company[] {
  const { companies, at } = figures
  if (order === "queue") return ranked(companies, ({ queued = 0 }) => [queued])
  if (order === "errors") return ranked(companies, ({ id, errors = 0 }) => [changes.newErrors(id), errors])
  // A line that is not connected says nothing anyway, and its state tells why.
  const connected = companies.filter((company) => company.connected)
  return ranked(connected, (company) => [silenceOf(company, at) ?? 0])
}

function ranked(companies: readonly Company[], weigh: (company: Company) => readonly number[]): Company[] {
  const weighed = companies.map((company) => ({ company, weight: weigh(company) }))
  return weighed
    .filter(({ weight }) => weight.some((one) => one > 0))
    .sort((a, b) => compare(a.weight, b.weight) || (a.company.id < b.company.id ? -1 : 1))
    .map(({ company }) => company)
}

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, index) => value !== b[index])
  return at < 0 ? 0 : (b[at] ?? 0) > (a[at] ?? 0) ? 1 : -1
}
