// Runs the compiled live view in this process, and compiles first when the sources are newer.
import { compiled } from "./compiled.mjs"

await import(compiled("top"))
