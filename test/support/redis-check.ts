import process from "node:process"
import { openRedis } from "../../adapters/storage/redis/index.ts"
import { createClock } from "../../adapters/system/clock.ts"
import { createTestLog } from "./log.ts"

/** Opens a store at the url named on the command line and prints what its check says, as JSON. */
const options = { url: process.argv[2] ?? "", instance: "check", clock: createClock(), log: createTestLog() }
const store = await openRedis(options)
console.log(JSON.stringify(await store.check()))
await store.close()
