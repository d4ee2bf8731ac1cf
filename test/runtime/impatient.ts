import { createNodeListen } from "../../core/serve/listen-node.ts"
import { PATIENCE } from "../../core/serve/patience.ts"
import { run } from "../../core/serve/run.ts"

/** The server, with a patience short enough for a test. */
await run(createNodeListen({ ...PATIENCE, headersMs: 2_000, graceMs: 2_000, checkMs: 250 }))
