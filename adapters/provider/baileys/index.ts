import type { ProviderAdapter } from "../../../core/provider.ts"
import { openConnection } from "./connection.ts"
import { encodeContent } from "./content.ts"
import { isFinished, readCredentials } from "./creds.ts"
import { divertConsole } from "./library-console.ts"
import { describeAuth, importAuth } from "./import/index.ts"
import { loadBaileys, trustRoot } from "./load-baileys.ts"
import { claimRoot, holdRoot, WHATSAPP_ROOT } from "./root-key.ts"
import { env, settings } from "./settings.ts"

const LIMITS = { outageLimitMs: 30_000, sendDeadlineMs: 20_000 }

/** WhatsApp through the Baileys library, as a linked device. */
const baileys: ProviderAdapter<typeof settings> = {
  name: "baileys",
  config: settings,
  env,
  create({ config, log }) {
    divertConsole(log)
    const root = config.rootKey ?? WHATSAPP_ROOT
    claimRoot(root)
    const busy = new Map<string, Promise<void>>()
    return {
      name: "baileys",
      encode: encodeContent,
      async connect(input) {
        const release = holdRoot(root)
        const library = await loadBaileys()
        trustRoot(library, root)
        // A write that hangs may still succeed later: nothing may be written behind it until it has settled.
        const after = busy.get(input.company) ?? Promise.resolve()
        const connection = openConnection(input, { library, settings: config, after, ...LIMITS })
        const settled = Promise.all([after, connection.settled]).then(() => {
          release()
          if (busy.get(input.company) === settled) busy.delete(input.company)
        })
        busy.set(input.company, settled)
        return connection
      },
      async linked(auth) {
        const creds = await readCredentials(auth)
        return creds !== undefined && isFinished(creds)
      },
      importAuth,
      describeAuth,
      async warm() {
        await loadBaileys()
      },
    }
  },
}

export default baileys
