import { expect, it } from "vitest"
import { definePlugin, isUrlRefused, type Egress } from "../../core/plugin.ts"
import { startWhole } from "../http/whole.ts"

const PRIVATE = "http://127.0.0.1:8080/"

it.each([
  ["as it comes", {}, false],
  ["switched on", { WHATSAPP_ALLOW_PRIVATE_URLS: "true" }, true],
  ["switched off", { WHATSAPP_ALLOW_PRIVATE_URLS: "no" }, false],
])("plugins have a way out that keeps to WHATSAPP_ALLOW_PRIVATE_URLS, %s", async (_name, env, allowed) => {
  const held: { egress?: Egress } = {}
  const plugin = definePlugin({
    name: "curious",
    description: "Keeps the way out",
    setup({ egress }) {
      held.egress = egress
    },
  })
  const whole = await startWhole(env, [plugin])
  expect(await held.egress?.judge(PRIVATE)).toEqual(
    allowed ? undefined : expect.objectContaining({ reason: "address" }),
  )
  const resolving = held.egress?.resolve(PRIVATE).then(
    ({ address }) => address,
    (thrown: unknown) => isUrlRefused(thrown),
  )
  expect(await resolving).toBe(allowed ? "127.0.0.1" : true)
  await whole.stop()
})
