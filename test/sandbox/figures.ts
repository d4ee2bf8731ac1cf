/**
 * The names of the figures that are not (yet) what is wanted. Numbers must be reached, or hit when `exact`; flags and words
 * must be the same. Wanted values may come as text, from a URL.
 */
export function unmet(view: object, wanted: Iterable<readonly [string, unknown]>, exact: boolean): string[] {
  const seen = new Map<string, unknown>(Object.entries(view))
  const missing: string[] = []
  for (const [name, value] of wanted) {
    const actual = seen.get(name)
    const reached = typeof actual === "number" && !exact ? actual >= Number(value) : figure(actual) === figure(value)
    if (!reached) missing.push(name)
  }
  return missing
}

function figure(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value)
}
