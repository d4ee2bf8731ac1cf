import config from "../../config/switchboard.config.ts"
import { defineConfig } from "../../core/config.ts"
import { lateTotals } from "./late-totals.ts"

/** The server with its totals written half a second after what they count. */
export default defineConfig({ ...config, ledger: lateTotals(config.ledger, 500) })
