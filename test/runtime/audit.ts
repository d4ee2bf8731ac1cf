import { join } from "node:path"
import { openLmdb } from "../../adapters/ledger/lmdb/index.ts"
import { openFilesystem } from "../../adapters/storage/filesystem/index.ts"
import { CHAT_TABLE, PERSON_TABLE } from "../../core/message/chat-rows.ts"
import type { Page } from "../../core/ledger.ts"
import { SESSION_TABLE } from "../../core/line/record.ts"
import { MESSAGE_TABLE } from "../../core/message/messages.ts"
import { OUTBOX_TABLE } from "../../core/message/settle.ts"
import { decodeRecord } from "../../core/records/values.ts"

/** Tables of records; the others hold numbers, or positions of a log. */
const TABLES = [SESSION_TABLE, MESSAGE_TABLE, OUTBOX_TABLE, CHAT_TABLE, PERSON_TABLE]
const PAGE = 500

/**
 * Reads back every stored record of a data folder whose server has ended. Rejects at the first that is torn or damaged.
 * Gives the number of records read.
 */
export async function audit(folder: string): Promise<number> {
  let read = 0
  const { driver, close } = await openFilesystem({ path: join(folder, "auth") })
  for (const company of await driver.companies()) {
    const keys = await driver.keys(company)
    const values = await driver.load(company, keys)
    const absent = keys.filter((_, index) => values[index] === undefined)
    if (absent.length > 0) throw new Error(`${company}: listed and not there: ${absent.join(", ")}`)
    read += keys.length
  }
  await close()

  const ledger = await openLmdb({ folder })
  for (const company of await ledger.companies()) {
    for (const table of TABLES) {
      let page: Page = await ledger.page(company, table, { limit: PAGE })
      for (;;) {
        for (const { key, value } of page.rows) decodeRecord(value, `${company} ${table} ${key}`)
        read += page.rows.length
        if (page.next === null) break
        page = await ledger.page(company, table, { limit: PAGE, after: page.next })
      }
    }
  }
  await ledger.close()
  return read
}
