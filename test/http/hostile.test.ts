import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { createHouse, read, sampleRoutes } from "./harness.ts"
import { hostileRequests, toRequest } from "./hostile.ts"

/** Fixed, so that a failure can be seen again. */
const SEED = 20_261_122
const RUNS = 1_000

/** Counts what came back, and holds each answer to what every answer must be. */
function judge() {
  const seen = new Set<number>()
  return {
    seen,
    async answer(response: Response, method: string): Promise<void> {
      seen.add(response.status)
      expect([500, 502, 504]).not.toContain(response.status)
      expect(response.headers.get("x-request-id")).toMatch(/^[A-Za-z0-9_.:-]{1,128}$/)
      // A stream of events does not end by itself.
      if (response.status < 400 || method === "HEAD") return response.body?.cancel()
      const { json } = await read(response)
      expect(Object.keys(json).sort()).toEqual(["error", "requestId", "success"])
      expect(json.success).toBe(false)
      expect(json.error.code).toMatch(/^[A-Z_]+$/)
      expect(typeof json.error.message).toBe("string")
      expect(typeof json.error.isRetryable).toBe("boolean")
    },
  }
}

describe("A thousand hostile requests", () => {
  it("to routes of every kind get no fault of ours, and each failure the one shape", async () => {
    const house = createHouse({ settings: { bodyLimit: 4_000 } })
    const { seen, answer } = judge()
    const paths = [...sampleRoutes.map(({ spec }) => spec.path), "/", "/nowhere/{id}"]
    await fc.assert(
      fc.asyncProperty(hostileRequests(paths), async (hostile) =>
        answer(await house.http.fetch(toRequest(hostile), { remoteAddress: "127.0.0.1" }), hostile.method),
      ),
      { numRuns: RUNS, seed: SEED },
    )
    // The requests reach every stage, or the run has shown nothing.
    expect([...seen]).toEqual(expect.arrayContaining([200, 400, 401, 404, 413, 415]))
    expect(house.log.lines.filter(({ level }) => level === "error")).toEqual([])
  })
})
