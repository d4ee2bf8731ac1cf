import { createNodeListen } from "../../core/serve/listen-node.ts"
import { run } from "../../core/serve/run.ts"
import { SHORT } from "./impatient-times.ts"

/** The server with a short patience, whose log has no filter for what libraries say. */
await run(createNodeListen(SHORT), { unfilteredLog: true })
