import { launch } from "./launch.ts"
import { companiesOf, type Company, type Subject, type SubjectOptions } from "./subject.ts"

const LINK_MS = 120_000

/** Switchboard as it is started in production: compiled, settings at their defaults but for the limits. */
export async function startOurs(options: SubjectOptions): Promise<Subject> {
  const { sandbox, folder, flags, env = {} } = options
  const companies = companiesOf(options)
  const process = await launch({
    args: [...flags, "dist/core/serve/node.js"],
    env: {
      ...sandbox.env,
      ...env,
      PORT: "0",
      WHATSAPP_SESSIONS_PATH: folder,
      WHATSAPP_MAX_SESSIONS: String(companies.length + 1),
      WHATSAPP_RATE_LIMIT_PER_COMPANY: "1000000",
    },
  })
  const { pid, url, inspector } = process
  const session = (company: Company): string => `${url}/api/whatsapp/sessions/${company.id}`
  const ask = async <T>(address: string, method = "GET"): Promise<{ data: T | undefined; text: string }> => {
    const init = method === "GET" ? { method } : { method, headers: { "content-type": "application/json" }, body: "{}" }
    const text = await (await fetch(address, init)).text()
    const { data } = JSON.parse(text) as { data?: T }
    return { data, text }
  }
  return {
    name: "Switchboard",
    pid,
    url,
    inspector,
    companies,
    async begin(company) {
      const first = await ask<{ qr?: string }>(`${session(company)}/initialize`, "POST")
      const qr = first.data?.qr ?? (await ask<{ qr?: string }>(`${session(company)}/qr?wait=30`)).data?.qr
      if (qr === undefined) throw new Error(`${company.id}: no QR code, ${first.text}`)
      return qr
    },
    async connected(company) {
      const end = performance.now() + LINK_MS
      for (;;) {
        const { data, text } = await ask<{ connected: boolean }>(`${session(company)}/status`)
        if (data?.connected === true) return
        if (performance.now() > end) throw new Error(`${company.id} is not connected: ${text}`)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    },
    text: ({ id }, to, message) => ({ path: "/api/whatsapp/send", body: { companyId: id, phone: to, message } }),
    stop: () => process.stop(),
  }
}
