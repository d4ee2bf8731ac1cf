import { Agent } from "node:http"
import { launch } from "./launch.ts"
import { post } from "./load.ts"
import { companiesOf, type Subject, type SubjectOptions } from "./subject.ts"

/** Baileys alone (`bare.ts`, compiled). Its keys are in memory, or in files below the folder. */
export async function startBare(options: SubjectOptions & { readonly keys: "memory" | "files" }): Promise<Subject> {
  const { sandbox, folder, flags, keys } = options
  const where = keys === "files" ? ["--folder", folder] : []
  const process = await launch({ args: [...flags, "dist/test/bench/bare.js", "--url", sandbox.url, ...where] })
  const agent = new Agent({ keepAlive: true })
  const { pid, url, inspector } = process
  const ask = async (path: string, body: object): Promise<Record<string, string>> => {
    const { status, text } = await post(agent, url, { path, body })
    if (status !== 200) throw new Error(`${path} answered ${status}: ${text}`)
    return JSON.parse(text) as Record<string, string>
  }
  return {
    name: "bare Baileys",
    pid,
    url,
    inspector,
    companies: companiesOf(options),
    begin: async ({ id }) => (await ask("/lines", { company: id })).qr ?? "",
    connected: async ({ id }) => void (await ask("/open", { company: id })),
    text: ({ id }, to, text) => ({ path: "/send", body: { company: id, to, text } }),
    async stop() {
      agent.destroy()
      await process.stop()
    },
  }
}
