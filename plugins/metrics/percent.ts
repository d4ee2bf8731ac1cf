const PRECISION = 10_000

/**
 * `part` of `whole` in percent: 5 of 150 is "3.33%", 10 of 2,500 is "0.4%". At most two decimals, none that is 0; "0%" of
 * nothing, and never above "100%".
 */
export function percent(part: number, whole: number): string {
  if (whole <= 0) return "0%"
  // Whole numbers are divided last, so that no half is lost in a fraction that binary cannot hold.
  return `${Math.round((Math.min(part, whole) * PRECISION) / whole) / (PRECISION / 100)}%`
}
