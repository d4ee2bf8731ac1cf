import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import process from "node:process"
import { startSandbox } from "../sandbox/index.ts"
import { type Platform, startPlatform } from "../support/platform.ts"
import { runScenario, type ScenarioEnd } from "./scenario.ts"

/** `npm run demo`: the whole way of a line, in front of your eyes. With `--check` it asserts every step and ends. */

const check = process.argv.includes("--check")
if (process.argv.includes("--help")) {
  console.log("npm run demo             two companies link, send, receive, survive kill -9; then the API stays up")
  console.log("npm run demo -- --check  the same, and end: exit code 0 when every step was as it should be")
  process.exit(0)
}

const folder = await mkdtemp(join(tmpdir(), "switchboard-demo-"))
const begun = performance.now()
let running: Platform | undefined

console.log("Starting the sandbox, a WhatsApp for this machine only …")
const sandbox = await startSandbox()

const end = async (code: number): Promise<never> => {
  await running?.stop()
  await sandbox.stop()
  await rm(folder, { recursive: true, force: true })
  process.exit(code)
}

try {
  const done = await runScenario({
    sandbox,
    start: async () => {
      running = await startPlatform({ env: { ...sandbox.env, WHATSAPP_SESSIONS_PATH: folder } })
      return running
    },
    step: (what, ms) => console.log(`${String(Math.round(ms)).padStart(6)} ms  ${what}`),
    show: (text) => console.log(text),
  })
  console.log(`All of it took ${((performance.now() - begun) / 1000).toFixed(1)} s.`)
  if (check) await end(0)
  invite(done)
} catch (fault) {
  console.error(fault instanceof Error ? fault.message : String(fault))
  for (const line of running?.tail().slice(-20) ?? []) console.error(line)
  await end(1)
}

process.once("SIGINT", () => void end(0))
process.once("SIGTERM", () => void end(0))

function invite({ platform, companies, contact }: ScenarioEnd): void {
  const [first] = companies
  console.log(`
The API stays up until Ctrl+C. Try:
  ${platform.url}/docs
  curl ${platform.url}/api/whatsapp/sessions
  curl ${platform.url}/api/whatsapp/messages/${first?.id}
  curl -N ${platform.url}/api/whatsapp/sessions/${first?.id}/events
  curl ${platform.url}/api/whatsapp/send -H 'Content-Type: application/json' \\
    -d '{"companyId":"${first?.id}","phone":"${contact.number}","message":"Hello"}'
And as Anna, the contact:
  curl ${sandbox.control}/phones/${contact.number}/messages
  curl ${sandbox.control}/phones/${contact.number}/send -d '{"to":"${first?.number}","text":"Hi"}'`)
}
