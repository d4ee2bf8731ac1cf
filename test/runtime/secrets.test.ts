import { describe, expect, test } from "vitest"
import { redisMissing } from "../support/redis-server.ts"
import { runSecrets } from "./secrets.ts"

const MINUTES = 60_000

describe(`A server with every log on, and everything failing once${redisMissing}`, () => {
  test.skipIf(redisMissing !== "")(
    "says no phone, text, name, key, code, password, header or query in its logs, failures, events, metrics, title or files, and what a plugin or an unfiltered log says is found",
    { timeout: 5 * MINUTES },
    async () => {
      const [quiet, told, unfiltered] = await Promise.all([
        runSecrets({ telltale: false, filtered: true }),
        runSecrets({ telltale: true, filtered: true }),
        runSecrets({ telltale: false, filtered: false }),
      ])
      const { found, secrets, failures, events, logLines, sentences } = quiet
      expect(found).toEqual({})
      expect(secrets.length).toBeGreaterThanOrEqual(30)
      // It was a life worth looking at.
      for (const status of [400, 401, 403, 404, 413, 415, 500, 502, 503]) expect(failures[status]).toBeGreaterThan(0)
      expect(events).toBeGreaterThan(20)
      expect(logLines).toBeGreaterThan(200)
      expect(sentences).toEqual(
        expect.arrayContaining([
          "Request",
          "Session state",
          "Request let in",
          "Message accepted",
          "Message tried",
          "Message failed",
          "Message refused",
          "Message heard",
          "Message stored",
          "Signed call let in",
          "Told too much",
          "A plugin failed",
          "Heard of a fault",
          "A request failed",
          "A promise was rejected unhandled",
          "Background work failed",
          "failed to decrypt message",
          "The Redis server is away; its companies wait",
        ]),
      )

      // Without its filter the log has what errors quote.
      const quoted = ["a header", "a text that was sent", "the contact's phone", "the password in a task's error"]
      expect(Object.keys(unfiltered.found)).toEqual(expect.arrayContaining(quoted))
      expect(told.found).toEqual({ "a text that was received": ["log (as it is)"] })
    },
  )
})
