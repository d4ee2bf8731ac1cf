import { afterEach, expect, test } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { type Backing, filesBacking } from "./backings.ts"
import { runBackends } from "./backends.ts"
import { redisBacking } from "./redis-backing.ts"
import { s3Backing } from "./s3-backing.ts"

const MINUTES = 60_000
let backings: Backing[] = []

afterEach(async () => {
  for (const { close } of backings) await close()
  backings = []
})

test.skipIf(redisMissing !== "").each([
  ["in the open", {}],
  ["sealed", { WHATSAPP_ENCRYPTION_KEY: "a passphrase for tests only", WHATSAPP_ENCRYPT_MESSAGES: "true" }],
])(
  `two companies in files, in Redis and in S3 each, %s, are all back after a kill${redisMissing}`,
  {
    timeout: 2 * MINUTES,
  },
  async (_how, env) => {
    backings = [filesBacking(), await redisBacking(), await s3Backing()]
    const { records, verdict } = await runBackends({ backings, each: 2, env })
    expect(Object.keys(records)).toHaveLength(6)
    expect(verdict).toMatchObject({ answered200: 12, refused: 0, unanswered: 0, lost: [], renamed: [] })
    expect(verdict).toMatchObject({ written: 12, inboundLost: [], inboundDoubled: [] })
  },
)
