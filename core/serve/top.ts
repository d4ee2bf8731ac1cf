import process from "node:process"

/** `npm run top` on Node. Nothing is imported before the version is known to be new enough to understand it. */
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Switchboard needs Node 20.19 or newer; this is ${process.versions.node}`)
  process.exit(1)
}
const { main } = await import("./top/main.ts")
const code = await main(process.argv.slice(2))
// What has been written to a pipe is still on its way.
process.stdout.write("", () => process.exit(code))
