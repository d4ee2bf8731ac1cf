import { strict as assert } from "node:assert"
import process from "node:process"
import standard from "../../config/switchboard.config.ts"
import { until } from "../support/platform.ts"
import { dataOf, openStage } from "../runtime/stage.ts"

/** Starts the server without a plugin, links a company at the sandbox, and sends a message each way. */

const removed = process.argv[2]
const loaded = standard.plugins.map((plugin) => (typeof plugin === "string" ? plugin : plugin.name))
assert.ok(removed !== undefined && !loaded.includes(removed), `${removed} is still there`)

const env = { WHATSAPP_CONFIG: "./test/removal/with-doorman.config.ts" }
const stage = await openStage({ env })
try {
  const [company] = await stage.link(1)
  assert.ok(company)
  const contact = await stage.phone("79001234567")
  const out = "See you tomorrow at ten"
  const sent = await stage.platform.call("POST", "/api/whatsapp/send", {
    companyId: company.id,
    phone: "79001234567",
    message: out,
  })
  assert.equal(sent.status, 200, JSON.stringify(sent.body))
  await contact.waitFor({ text: out })
  const back = "I will be there"
  await contact.send(company.number, back)
  await until("the answer to be stored", 20_000, async () => {
    const listed = await stage.platform.call("GET", `/api/whatsapp/messages/${company.id}`)
    const messages = dataOf<readonly { message: string | null; direction: string }[]>(listed)
    return messages.find(({ message, direction }) => message === back && direction === "inbound")
  })
} finally {
  await stage.close()
}
