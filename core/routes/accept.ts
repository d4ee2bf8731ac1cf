/**
 * Which of `offered` (best first) an Accept header prefers; the first one for no header. Undefined when it takes none.
 */
export function preferred<T extends string>(accept: string | null, offered: readonly [T, ...T[]]): T | undefined {
  if (accept === null || accept.trim() === "") return offered[0]
  const ranges = accept.slice(0, 1_000).split(",").map(readRange)
  let best: T | undefined
  let weight = 0
  for (const type of offered) {
    const fit = ranges.filter((range) => covers(range.type, type)).sort((a, b) => b.type.length - a.type.length)[0]
    // The most specific range decides; between equal weights the order of the offer does.
    if (fit !== undefined && fit.weight > weight) {
      best = type
      weight = fit.weight
    }
  }
  return best
}

function readRange(text: string): { readonly type: string; readonly weight: number } {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase())
  const q = parameters.find((parameter) => parameter.startsWith("q="))
  const weight = q === undefined ? 1 : Number(q.slice(2))
  return { type, weight: Number.isFinite(weight) ? weight : 0 }
}

function covers(range: string, type: string): boolean {
  return range === "*/*" || range === type || (range.endsWith("/*") && type.startsWith(range.slice(0, -1)))
}
