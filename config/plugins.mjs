// Lists the plugins from the compiled command line, which is compiled first when the sources are newer.
import { compiled } from "./compiled.mjs"

await import(compiled("plugins"))
