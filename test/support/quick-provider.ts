import { z } from "../../core/plugin.ts"
import type { Intake, Provider, ProviderAdapter } from "../../core/provider.ts"
import { userOf } from "./fake-provider.ts"

/** A WhatsApp that says yes to everything at once and remembers nothing of it. */
export interface QuickProvider {
  readonly adapter: ProviderAdapter
  /** Where a line's inbound things go. Throws for a line that has not connected. */
  intake(company: string): Intake
  /** Acknowledged so far. */
  sent(): number
}

export function createQuickProvider(): QuickProvider {
  const intakes = new Map<string, Intake>()
  let sent = 0
  const provider: Provider = {
    name: "quick",
    encode: (content) => new TextEncoder().encode(content.type === "text" ? content.text : ""),
    linked: async (auth) => (await auth.load("creds", ["creds"])).creds !== undefined,
    async connect({ company, auth, intake, emit }) {
      if (!(await provider.linked(auth))) await auth.save({ creds: { creds: Uint8Array.of(1) } })
      intakes.set(company, intake)
      queueMicrotask(() => emit({ type: "open", user: userOf(company) }))
      return {
        async send() {
          sent++
          return { outcome: "acknowledged", at: Date.now() }
        },
        prove: async () => undefined,
        logout: async () => undefined,
        close: async () => undefined,
      }
    },
  }
  return {
    adapter: { name: "quick", config: z.object({}), env: {}, create: () => provider },
    intake(company) {
      const intake = intakes.get(company)
      if (intake === undefined) throw new Error(`${company} has not connected`)
      return intake
    },
    sent: () => sent,
  }
}
