import { z } from "../../core/plugin.ts"
import type { ProviderAdapter } from "../../core/provider.ts"

/** A provider of tests in which nobody connects. */
export const idle: ProviderAdapter = {
  name: "idle",
  config: z.object({}),
  env: {},
  create: () => ({
    name: "idle",
    encode: () => new Uint8Array(),
    linked: async () => false,
    connect: () => Promise.reject(new Error("Nobody connects in these tests")),
  }),
}
