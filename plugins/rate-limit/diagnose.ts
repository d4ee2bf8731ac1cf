import type { Finding, Quota } from "../../core/plugin.ts"

/** What is said of the room that is left, which nobody takes. */
export function rateFinding({ limit, windowMs }: Quota, remaining: number): Finding {
  const check = "rate"
  const window = windowMs % 1_000 === 0 ? `${windowMs / 1_000} s` : `${windowMs} ms`
  if (remaining > 0) return { check, ok: true, detail: `${remaining} of ${limit} messages in ${window} are left` }
  const detail = `None of ${limit} messages in ${window} is left: send later, in a batch, which waits for room, or have the limit raised`
  return { check, ok: false, detail }
}
