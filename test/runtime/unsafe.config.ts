import config from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import { lateLedger } from "./late-ledger.ts"

/** The server with its durable write switched off: it answers half a second before it writes. */
export default defineConfig({ ...config, ledger: lateLedger(500) })
