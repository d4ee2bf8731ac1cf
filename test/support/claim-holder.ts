import { writeSync } from "node:fs"
import process from "node:process"
import { isAppError } from "../../core/errors.ts"
import { sharedKinds, type SharedProcess } from "./shared-stores.ts"

/**
 * Claims a company and writes under its claim until it is refused, one record of its own for each turn, so that nothing
 * that lands is hidden by what comes after it. It does not look at whether the claim is lost: what holds it back is the
 * store alone. Says `held <fence>`, `wrote <turn>`, and at last `refused <code>`.
 */
export interface HolderInput extends SharedProcess {
  readonly kind: string
  readonly at: string
  readonly company: string
}

const input = JSON.parse(process.argv[2] ?? "") as HolderInput
const say = (text: string): number => writeSync(1, `${text}\n`)

// Neither the sockets of a store nor its waits need keep a process alive.
const alive = setInterval(() => undefined, 60_000)

const store = await sharedKinds[input.kind]?.open(input.at, input)
const claim = await store?.claims?.claim(input.company)
if (store === undefined || claim === undefined) throw new Error("The claim was refused")
say(`held ${claim.fence}`)
for (let turn = 1; ; turn++) {
  const write = { key: `log/${input.instance}-${turn}`, value: Uint8Array.of(turn % 256) }
  try {
    await store.driver.commit(input.company, [write], claim.fence)
  } catch (error) {
    say(`refused ${isAppError(error) ? error.code : String(error)}`)
    break
  }
  say(`wrote ${turn}`)
}
clearInterval(alive)
process.exit(0)
