import { createNodeSystem } from "../../adapters/system/node.ts"
import { judgeVectors } from "./vectors.ts"

console.log(JSON.stringify(await judgeVectors(createNodeSystem())))
