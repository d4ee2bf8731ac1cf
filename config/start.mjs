// Runs the compiled server in this process, so that signals reach it, and compiles first when the sources are newer.
import { compiled } from "./compiled.mjs"

await import(compiled("node"))
