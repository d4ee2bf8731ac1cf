import process from "node:process"
import { lockFolder } from "../../adapters/system/lock.ts"

/** Takes the lock of the folder named on the command line, says so, and keeps it until it is killed. */
const lock = await lockFolder(process.argv[2] ?? "")
console.log(lock.held ? `held by ${process.pid}` : `refused: ${lock.owner}`)
if (lock.held) setInterval(() => undefined, 60_000)
