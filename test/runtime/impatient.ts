import { createNodeListen } from "../../core/serve/listen-node.ts"
import { run } from "../../core/serve/run.ts"
import { SHORT } from "./impatient-times.ts"

/** The server, with a patience short enough for a test. */
await run(createNodeListen(SHORT))
