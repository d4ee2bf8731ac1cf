import { expect, test } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { redisBacking } from "./redis-backing.ts"
import { s3Backing } from "./s3-backing.ts"
import { runTwoServers } from "./two-servers.ts"

const MINUTES = 60_000
const LEASE_MS = 4_000

test.skipIf(redisMissing !== "").each([
  ["Redis", redisBacking],
  ["S3", s3Backing],
])(
  `two servers on one %s never run the same line, and one takes over from the other${redisMissing}`,
  {
    timeout: 3 * MINUTES,
  },
  async (_kind, open) => {
    const backing = await open({ leaseMs: LEASE_MS })
    try {
      const figures = await runTwoServers({ backing, leaseMs: LEASE_MS, pauses: 1 })
      expect(figures.refusals).toEqual(Array.from({ length: 3 }, () => "409 SESSION_OWNED_ELSEWHERE"))
      expect(figures).toMatchObject({ loginsTooMany: 0, devices: 1, undecryptable: 0, lost: [] })
      expect(figures.oldHolder).toHaveLength(2)
    } finally {
      await backing.close()
    }
  },
)
