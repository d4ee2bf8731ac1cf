import process from "node:process"
import config from "../../config/switchboard.config.ts"
import type { Clock } from "../../core/clock.ts"
import { defineConfig } from "../../core/config.ts"
import { DELIVERIES, forgetful } from "../support/forgetful.ts"

/** The server as it is, but that its clock goes `FASTER` times as fast, from `SINCE` less `BEHIND_MS` on, whatever process it is. */
const since = Number(process.env["SINCE"])
const faster = Number(process.env["FASTER"])
const behind = Number(process.env["BEHIND_MS"])

function quick(clock: Clock): Clock {
  return {
    now: () => since - behind + (clock.now() - since) * faster,
    monotonic: () => clock.monotonic() * faster,
    after: (ms, task) => clock.after(ms / faster, task),
    every: (ms, task) => clock.every(ms / faster, task),
    sleep: (ms, signal) => clock.sleep(ms / faster, signal),
  }
}

const { ledger } = config

export default defineConfig({
  ...config,
  clock: () => quick(config.clock()),
  // To see what would be lost if deliveries were in memory alone.
  ...(process.env["FORGETFUL"] === "1" && {
    ledger: {
      ...ledger,
      open: async (options: { readonly folder: string }) => forgetful(await ledger.open(options), DELIVERIES),
    },
  }),
})
