import { expect, it } from "vitest"
import type { OpenStore, StoreClaims } from "../../core/store.ts"
import { callOf, openStoredHouse } from "./house.ts"

it("a line that another server runs is off here, takes no sends, and comes over when that server has gone", async () => {
  const first = await openStoredHouse({ stores: ["shared"] })
  await first.connect("acme")
  const other = { lives: true }
  const claims: StoreClaims = {
    claim: async () =>
      other.lives ? undefined : { fence: 1e15, lost: new AbortController().signal, release: async () => undefined },
  }
  Object.assign(first.stores.get("shared") as OpenStore, { claims })

  const house = await first.reopen("kill")
  house.lines.start()
  await house.clock.advance(1_000)
  const owned = { status: "idle", lastError: { code: "SESSION_OWNED_ELSEWHERE" } }
  expect(await house.lines.sessions.status("acme")).toMatchObject(owned)
  await expect(house.send("acme", {})).rejects.toMatchObject({ code: "SESSION_OWNED_ELSEWHERE" })
  await expect(house.lines.commands.initialize(callOf("acme"), {})).rejects.toMatchObject({
    code: "SESSION_OWNED_ELSEWHERE",
  })
  expect(house.provider.connections).toHaveLength(0)

  other.lives = false
  await house.clock.advance(house.settings.cleanupIntervalMs)
  await house.provider.line("acme").open()
  expect((await house.send("acme", {})).status).toBe(200)
})
