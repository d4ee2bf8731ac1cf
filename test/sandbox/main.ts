import process from "node:process"
import { parseArgs } from "node:util"
import { listenForControl } from "./control.ts"
import { listen } from "./server.ts"
import { cureSessionCipher } from "./session-cure.ts"
import { createWorld } from "./world.ts"

const HELP = `A WhatsApp to test against, on loopback.

  --port <n>          port of the WhatsApp side (a free one)
  --control-port <n>  port of the control surface (a free one)
  --json              print one line of JSON instead of words
  --with-parent       end when standard input ends
  --help              this text
`

interface Flags {
  readonly port: number
  readonly controlPort: number
  readonly json: boolean
  readonly withParent: boolean
  readonly help: boolean
}

try {
  const flags = readFlags()
  if (flags.help) process.stdout.write(HELP)
  else await start(flags)
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message.split("\n")[0] : String(error)}\n`)
  process.exit(2)
}

function readFlags(): Flags {
  const { values } = parseArgs({
    options: {
      port: { type: "string", default: "0" },
      "control-port": { type: "string", default: "0" },
      json: { type: "boolean", default: false },
      "with-parent": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  })
  return {
    port: portFrom(values.port, "--port"),
    controlPort: portFrom(values["control-port"], "--control-port"),
    json: values.json,
    withParent: values["with-parent"],
    help: values.help,
  }
}

function portFrom(text: string, flag: string): number {
  const port = Number(text)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error(`${flag} wants a port, not "${text}"`)
  return port
}

async function start(flags: Flags): Promise<void> {
  // libsignal prints whole sessions, private keys included, whenever one is replaced.
  console.info = console.warn = console.error = () => undefined
  cureSessionCipher()
  const world = createWorld()
  const whatsapp = await listen(world, flags.port)
  const url = `ws://127.0.0.1:${whatsapp.port}/ws/chat`
  const { rootKey } = world.authority
  const about = { url, rootKey, pid: process.pid }
  const control = await listenForControl(world, flags.controlPort, about)
  const controlUrl = `http://127.0.0.1:${control.port}`
  if (flags.json) process.stdout.write(`${JSON.stringify({ ...about, control: controlUrl })}\n`)
  else process.stdout.write(words(url, rootKey, controlUrl))
  if (flags.withParent) {
    process.stdin.on("end", () => process.exit(0))
    process.stdin.on("error", () => process.exit(0))
    process.stdin.resume()
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(0))
}

function words(url: string, rootKey: string, control: string): string {
  return [
    "The sandbox is up.",
    `  WhatsApp  ${url}`,
    `  root key  ${rootKey}`,
    `  control   ${control}`,
    "",
    "Point Switchboard at it:",
    `  WHATSAPP_SOCKET_URL=${url} WHATSAPP_SOCKET_ROOT_KEY=${rootKey} npm start`,
    "",
    "A phone scans a QR code:",
    `  curl -X PUT ${control}/phones/15550001`,
    `  curl ${control}/phones/15550001/link -d '{"qr":"…"}'`,
    "",
  ].join("\n")
}
