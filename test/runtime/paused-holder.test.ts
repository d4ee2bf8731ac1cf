import { describe, expect, it } from "vitest"
import { findRedis, redisMissing } from "../support/redis-server.ts"
import { runPausedHolder } from "./paused-holder.ts"

const kinds = [
  { kind: "redis", missing: findRedis() === undefined, why: redisMissing, leaseMs: 900 },
  // A sign of life is two requests, which a busy machine may keep waiting.
  { kind: "s3", missing: false, why: "", leaseMs: 3_000 },
]

describe.each(kinds)("a holder that is stopped past its lease, on $kind$why", ({ kind, missing, leaseMs }) => {
  it.skipIf(missing)("lands no write once another has taken over", { timeout: 120_000 }, async () => {
    expect(await runPausedHolder({ kind, rounds: 3, leaseMs })).toMatchObject({ stale: 0, refused: 3 })
  })

  it.skipIf(missing)("does land one when nothing looks at its fence", { timeout: 120_000 }, async () => {
    expect((await runPausedHolder({ kind, rounds: 1, fencing: false, leaseMs })).stale).toBe(1)
  })
})
