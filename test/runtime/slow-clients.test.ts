import { expect, test } from "vitest"
import { slowClientsOnOurs, slowClientsOnPlain } from "./slow-clients.ts"

const options = { clients: 300, forMs: 8_000, limitMs: 6_500 }

test("three hundred clients that send a byte a second are let go of in time, and everybody else is served meanwhile", async () => {
  const [ours, plain] = await Promise.all([
    slowClientsOnOurs({ ...options, impatient: true }),
    slowClientsOnPlain(options),
  ])
  expect(ours).toMatchObject({ held: 0, othersFailed: 0 })
  expect(ours.others).toBeGreaterThan(10)
  // Those that had said anything heard why.
  expect(ours.told["400"]).toBeGreaterThanOrEqual(options.clients * 0.75)
  // A server that was told nothing about them keeps every one.
  expect(plain).toMatchObject({ held: options.clients })
}, 60_000)
