import { afterEach, expect, it } from "vitest"
import { createClock } from "../../adapters/system/clock.ts"
import { createResolve } from "../../adapters/egress/resolve.ts"
import { createTestEgress } from "../support/egress.ts"
import { type NameServer, startNameServer, type Zone } from "./name-server.ts"

let server: NameServer | undefined
const start = async (zone: Zone): Promise<ReturnType<typeof createResolve>> => {
  server = await startNameServer(zone)
  return createResolve([server.address])
}
afterEach(async () => {
  await server?.close()
  server = undefined
})

const never = (): { inside: boolean; signal: AbortSignal } => ({ inside: false, signal: new AbortController().signal })
const LOOPBACK_6 = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)

it("every address of a name comes back, of both kinds", async () => {
  const resolve = await start({ "both.example": [Uint8Array.of(1, 2, 3, 4), LOOPBACK_6, Uint8Array.of(5, 6, 7, 8)] })
  expect((await resolve("both.example", never())).toSorted()).toEqual(["1.2.3.4", "5.6.7.8", "::1"])
})

it("a name of one kind only is found, and one that does not exist is not", async () => {
  const resolve = await start({ "six.example": [LOOPBACK_6] })
  expect(await resolve("six.example", never())).toEqual(["::1"])
  await expect(resolve("nobody.example", never())).rejects.toThrow("No name server knows")
})

it("a hostile name is judged by all that its server says of it", async () => {
  const resolve = await start({ "hostile.example": [Uint8Array.of(93, 184, 215, 14), LOOPBACK_6] })
  const egress = createTestEgress({ resolve, clock: createClock() })
  expect(await egress.judge("http://hostile.example/")).toMatchObject({ reason: "address" })
})

it("a name server that never answers holds nobody up, and is let go of", async () => {
  const resolve = await start({ "slow.example": "mute", "quick.example": [Uint8Array.of(1, 2, 3, 4)] })
  const gone = Array.from({ length: 50 }, () => new AbortController())
  const failed = Promise.allSettled(gone.map(({ signal }) => resolve("slow.example", { inside: false, signal })))
  expect(await resolve("quick.example", never())).toEqual(["1.2.3.4"])
  for (const one of gone) one.abort(new Error("given up"))
  expect(new Set((await failed).map((one) => (one.status === "rejected" ? String(one.reason) : "")))).toEqual(
    new Set(["Error: given up"]),
  )
})

it("names of the inside are looked up as the machine does", async () => {
  const addresses = await createResolve()("localhost", { ...never(), inside: true })
  expect(addresses).toContain("127.0.0.1")
})
