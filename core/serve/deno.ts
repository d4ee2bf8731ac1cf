import { listenDeno } from "./listen-deno.ts"
import { run } from "./run.ts"

/** The server on Deno. */
await run(listenDeno)
