import { describe, expect, test } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { type CanaryStore, runCanary } from "./canary.ts"

const MINUTES = 60_000
const SEALED = { WHATSAPP_ENCRYPTION_KEY: "5e".repeat(32), WHATSAPP_ENCRYPT_MESSAGES: "true" }
const LOOKED_FOR = 19

const stores: readonly (readonly [CanaryStore, string])[] = [
  ["filesystem", ""],
  ["redis", redisMissing],
  ["s3", ""],
]

describe.each(stores)("a company on %s%s", (store, missing) => {
  test.skipIf(missing !== "")(
    "leaves no phone, LID, text, key or password in any byte that is stored, and without encryption all of them",
    { timeout: 3 * MINUTES },
    async () => {
      const plain = await runCanary(store, {})
      expect(plain.hidden).toEqual([])
      expect(Object.keys(plain.found)).toHaveLength(LOOKED_FOR)

      const sealed = await runCanary(store, SEALED)
      expect(sealed.found).toEqual({})
      expect(sealed.hidden).toHaveLength(LOOKED_FOR)
      // As much was looked at as before, and more: what is sealed is longer.
      expect(sealed.places).toBeGreaterThan(2)
      expect(sealed.searched).toBeGreaterThan(100_000)
    },
  )
})
