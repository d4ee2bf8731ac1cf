import type { Sandbox } from "../sandbox/index.ts"
import { startLoad } from "./load.ts"
import type { Company, Subject } from "./subject.ts"

const AT_A_TIME = 4

/** Links companies of a subject, a few at a time: pairing is CPU work on both sides, and more of them only wait. */
export async function link(sandbox: Sandbox, subject: Subject, companies: readonly Company[]): Promise<void> {
  const left = [...companies]
  const worker = async (): Promise<void> => {
    for (let company = left.shift(); company; company = left.shift()) {
      const phone = await sandbox.phone(company.phone)
      await Promise.all(company.contacts.map((contact) => sandbox.phone(contact)))
      await phone.link(await subject.begin(company))
      await subject.connected(company)
    }
  }
  await Promise.all(Array.from({ length: AT_A_TIME }, worker))
}

/** The first text to each contact, which is no steady state: it looks up devices, fetches keys, makes sessions. */
export async function acquaint(
  subject: Subject,
  companies: readonly Company[],
  contactsEach: number,
  inFlight: number,
): Promise<void> {
  const pairs = companies.flatMap((company) => company.contacts.slice(0, contactsEach).map((to) => ({ company, to })))
  const load = startLoad({
    url: subject.url,
    inFlight,
    next() {
      const pair = pairs.shift()
      return pair && subject.text(pair.company, pair.to, "hello")
    },
  })
  await load.done()
}
