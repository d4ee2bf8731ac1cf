import { describe, expect, it } from "vitest"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { createMemoryLedger } from "../../adapters/ledger/memory/index.ts"
import { appError } from "../../core/errors.ts"
import { createLocalOwnership } from "../../core/records/local-ownership.ts"
import { codeOf } from "../suites/bytes.ts"
import { temporaryFolder } from "../support/folder.ts"

describe("ownership of the lines of one data folder", () => {
  it("gives a company to one at a time, and again after its release", async () => {
    const ownership = createLocalOwnership(createMemoryLedger())
    const [first, second, other] = await Promise.all([
      ownership.claim("acme"),
      ownership.claim("acme"),
      ownership.claim("other"),
    ])
    expect(first?.company).toBe("acme")
    expect(second).toBeUndefined()
    expect(other?.company).toBe("other")
    expect(first?.lost.aborted).toBe(false)
    await first?.release()
    expect(first?.lost.aborted).toBe(true)
    const third = await ownership.claim("acme")
    expect(third?.fence).toBeGreaterThan(first?.fence ?? Infinity)
    await first?.release()
    expect(await ownership.claim("acme")).toBeUndefined()
  })

  it("gives a higher fence to every claim, over restarts and after the company was erased", async () => {
    const folder = await temporaryFolder()
    let highest = 0
    for (let start = 0; start < 3; start++) {
      const ledger = await openLmdb({ folder: folder.path })
      const ownership = createLocalOwnership(ledger)
      for (let claim = 0; claim < 3; claim++) {
        const lease = await ownership.claim("acme")
        expect(lease?.fence).toBeGreaterThan(highest)
        highest = lease?.fence ?? 0
        await lease?.release()
        await ledger.erase("acme")
      }
      expect(await ledger.companies()).toEqual([])
      await ledger.close()
    }
    await folder.remove()
  })

  it("goes on above the fences of a ledger that is gone", async () => {
    const clock = { now: () => 1_763_850_000_000 }
    const before = await createLocalOwnership(createMemoryLedger(), clock).claim("acme")
    clock.now = () => 1_763_850_001_000
    const after = await createLocalOwnership(createMemoryLedger(), clock).claim("acme")
    expect(after?.fence).toBeGreaterThan(before?.fence ?? Infinity)
    expect(Number.isSafeInteger(after?.fence)).toBe(true)
    const ledger = createMemoryLedger()
    const first = await createLocalOwnership(ledger, clock).claim("acme")
    clock.now = () => 0
    expect((await createLocalOwnership(ledger, clock).claim("acme"))?.fence).toBeGreaterThan(first?.fence ?? Infinity)
  })

  it("frees the company when the ledger fails, and asks it again", async () => {
    const ledger = createMemoryLedger()
    let failing = true
    const flaky = {
      ...ledger,
      commit: (...input: Parameters<typeof ledger.commit>) =>
        failing ? Promise.reject(appError("STORAGE_UNAVAILABLE")) : ledger.commit(...input),
    }
    const ownership = createLocalOwnership(flaky)
    expect(await codeOf(ownership.claim("acme"))).toBe("STORAGE_UNAVAILABLE")
    failing = false
    expect((await ownership.claim("acme"))?.company).toBe("acme")
  })
})
