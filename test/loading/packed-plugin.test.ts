import { execFile } from "node:child_process"
import { cp, mkdir, readdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import type { Described } from "../../core/serve/plugins/describe.ts"
import { call as callAt, type Platform, root, startPlatform } from "../support/platform.ts"
import { startInVain } from "../runtime/starts.ts"
import { openProject, type Project } from "./installed.ts"

/** The example package, built, packed and installed beside the packed server, as somebody else would have it. */

const KEY = "an-admin-key-of-enough-characters"
const PACKAGE = "@acme/switchboard-greeting"
const PLUGINS = `api-keys,validation,health,docs,${PACKAGE}/loud,${PACKAGE}`
const MINUTES = 180_000
vi.setConfig({ testTimeout: MINUTES, hookTimeout: MINUTES })

let project: Project
let env: Record<string, string>
let server: Platform | undefined

beforeAll(async () => {
  project = await openProject()
  const sources = join(project.path, "greeting")
  await cp(join(root, "test/example-plugin"), sources, { recursive: true })
  await project.compile(sources)
  await project.install(sources)
  env = {
    WHATSAPP_PLUGINS: PLUGINS,
    WHATSAPP_API_KEY: KEY,
    WHATSAPP_SESSIONS_PATH: join(project.path, "sessions"),
    GREETING_WORD: "Welcome",
  }
  server = await startPlatform({ installedIn: project.path, env })
})

afterAll(async () => {
  await server?.stop()
  await project.remove()
})

const call = (method: string, path: string, body?: unknown, key = KEY) => {
  if (server === undefined) throw new Error("The server does not run")
  return callAt(server.url, method, path, body, key === "" ? {} : { "x-api-key": key })
}

/** `npm run plugins` of the installed server. */
async function listed(args: readonly string[], more: Record<string, string> = {}): Promise<string> {
  const command = join(project.path, "node_modules/@switchboard/server/dist/core/serve/plugins.js")
  const given = { PATH: process.env.PATH, HOME: process.env.HOME, ...env, ...more }
  const { stdout } = await promisify(execFile)(process.execPath, [command, ...args], { cwd: project.path, env: given })
  return stdout
}

it("the package holds JavaScript and its types, and the sources stay at home", async () => {
  const files = await readdir(join(project.path, "node_modules", PACKAGE), { recursive: true })
  expect(files.filter((file) => file.includes("."))).toEqual(
    expect.arrayContaining(["dist/index.js", "dist/index.d.ts", "dist/loud.js", "README.md"]),
  )
  expect(files.filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))).toEqual([])
})

describe("enabled by its name, it adds", () => {
  it("a route under the house's rules: identified, scoped, checked", async () => {
    const path = "/api/greetings/salon-1?name=Ann"
    expect(await call("GET", path)).toMatchObject({ status: 200, body: { data: { greeting: "WELCOME, Ann!" } } })
    expect(await call("GET", path, undefined, "")).toMatchObject({
      status: 401,
      body: { error: { code: "UNAUTHORIZED" } },
    })
    expect(await call("GET", "/api/greetings/salon-1")).toMatchObject({ status: 400 })
    expect(await call("GET", "/api/greetings/not%20an%20id?name=Ann")).toMatchObject({
      status: 400,
      body: { error: { code: "INVALID_COMPANY_ID" } },
    })
  })

  it("an error code, answered and documented", async () => {
    const answer = await call("GET", `/api/greetings/salon-1?name=${"a".repeat(41)}`)
    const error = { code: "GREETING_TOO_LONG", message: "The name is too long to be greeted", isRetryable: false }
    expect(answer).toMatchObject({ status: 422, body: { success: false, error } })
    const { body } = await call("GET", "/openapi.json", undefined, "")
    const { paths } = body as { paths: Record<string, { get: { responses: Record<string, object> } }> }
    expect(JSON.stringify(paths["/api/greetings/{companyId}"]?.get.responses["422"])).toContain("GREETING_TOO_LONG")
  })

  it("a company setting, checked and kept", async () => {
    const company = "/api/whatsapp/companies/salon-2"
    expect(await call("PUT", company, { greetingSign: 5 })).toMatchObject({ status: 400 })
    expect(await call("PUT", company, { greetingSign: "Your salon" })).toMatchObject({ status: 201 })
    expect(await call("GET", company)).toMatchObject({ body: { data: { greetingSign: "Your salon" } } })
    const { body } = await call("GET", "/api/greetings/salon-2?name=Ann")
    expect(body).toMatchObject({ data: { greeting: "WELCOME, Ann! Your salon" } })
  })

  it("a hook of its own, which another plugin stands at, and a service, which that one uses", async () => {
    const { body } = await call("GET", "/api/greetings/salon-3/everybody")
    expect(body).toMatchObject({ data: { greeting: "WELCOME, everybody!" } })
  })

  it("a metric", async () => {
    await call("GET", "/api/greetings/salon-4?name=Ann")
    const { body } = await call("GET", "/api/greetings")
    const [metric] = body.data as { name: string; owner: string; series: unknown[] }[]
    expect(metric).toMatchObject({ name: "greeting_given_total", owner: "greeting", kind: "counter" })
    expect(metric?.series).toContainEqual({ labels: { company: "salon-4", signed: "no" }, value: 1 })
  })

  it("a setting, which stops the start when it is wrong, without an echo", async () => {
    const failed = await startInVain({ ...env, GREETING_WORD: "4711 4711 4711" }, project.path)
    expect(failed.code).toBe(1)
    expect(failed.lines).toEqual(["Switchboard cannot start: GREETING_WORD: expected a word of 1 to 20 letters"])
  })

  it("tables for the docs, and lines in the list of plugins, beside the running server", async () => {
    const { plugins, stages } = JSON.parse(await listed(["--json"])) as Described
    expect(plugins.map(({ name }) => name)).toEqual([
      "api-keys",
      "validation",
      "health",
      "docs",
      "greeting",
      "greeting-loud",
    ])
    expect(stages.find(({ name }) => name === "greeting:word")).toEqual({
      name: "greeting:word",
      kind: "transform",
      owner: "greeting",
      plugins: ["greeting-loud"],
    })
    const text = await listed([])
    expect(text).toContain("greeting_given_total{company,signed} (counter)")
    expect(text).not.toContain(KEY)
    expect(text).not.toContain("Welcome")
    const tables = await listed(["--markdown"])
    const manual = await readFile(join(root, "test/example-plugin/README.md"), "utf8")
    for (const line of [
      "| metric | `greeting_given_total` | Greetings given",
      "| setting | `GREETING_WORD` | The word that",
    ]) {
      expect(tables).toContain(line)
      expect(manual).toContain(line)
    }
    expect(await call("GET", "/healthz")).toMatchObject({ status: 200 })
  })
})

it("is not there unless it is named", async () => {
  const without = JSON.parse(await listed(["--json"], { WHATSAPP_PLUGINS: "" })) as Described
  expect(without.plugins.map(({ name }) => name)).not.toContain("greeting")
})

it("what is missing is said by the name it was asked for", async () => {
  const misspelt = await startInVain({ ...env, WHATSAPP_PLUGINS: `${PLUGINS}s` }, project.path)
  expect(misspelt.lines).toEqual([
    "Switchboard cannot start:",
    `  Plugin ${PACKAGE}s: cannot be loaded (no package of that name is installed)`,
    "  Plugin greeting-loud needs greeting, which no plugin provides",
  ])
  const alone = await startInVain({ ...env, WHATSAPP_PLUGINS: `api-keys,${PACKAGE}/loud` }, project.path)
  expect(alone.lines.join("\n")).toContain("Plugin greeting-loud needs greeting, which no plugin provides")
})

it(
  "the packed types are complete, down to the libraries they name, and know the package's own hook",
  async () => {
    const folder = join(project.path, "types")
    await mkdir(folder)
    const compilerOptions = {
      target: "ES2023",
      lib: ["ES2023", "DOM", "DOM.Iterable"],
      types: [],
      module: "NodeNext",
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    }
    await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["."] }))
    const plugin = (setup: string): string => `
    import { definePlugin, z } from "@switchboard/server/plugin"
    import type { Greeter } from "${PACKAGE}"
    export default definePlugin({
      name: "use",
      description: "Uses everything",
      config: z.object({ times: z.number() }),
      metrics: { use_calls_total: { kind: "counter", help: "Calls", labels: { tone: ["warm", "cold"] } } },
      errors: { TOO_LOUD: { status: 422, message: "Too loud" } },
      needs: ["greeting"],
      setup({ config, on, need, metrics, reject }) { ${setup} },
    })`
    const write = (name: string, setup: string): Promise<void> => writeFile(join(folder, `${name}.ts`), plugin(setup))
    await write(
      "right",
      `on("greeting:word", (word, { company }) => word.repeat(config.times) + company)
    on("message:limit", async ({ company }) => {
      metrics.count("use_calls_total", { tone: "warm" })
      if ((await need<Greeter>("greeting").greet(company, "x")) === "") return reject("TOO_LOUD")
    })`,
    )
    await project.compile(folder)
    await write("wrong-answer", 'on("greeting:word", () => 5)')
    await write("wrong-name", 'on("greeting:words", (word) => word)')
    await write("wrong-label", 'metrics.count("use_calls_total", { tone: "hot" })')
    await write("wrong-code", 'on("message:limit", () => reject("TOO_LOUDD"))')
    const told = await project.compile(folder).catch((thrown: Error) => thrown.message)
    const files = [...(told ?? "").matchAll(/([a-z-]+)\.ts\(\d+,\d+\): error/g)].map(([, name]) => name)
    expect([...new Set(files)].sort()).toEqual(["wrong-answer", "wrong-code", "wrong-label", "wrong-name"])
  },
  MINUTES,
)

it("the packed client is typed by itself, refuses what the routes would, and reaches the server", async () => {
  const folder = join(project.path, "client")
  await mkdir(folder)
  const compilerOptions = {
    target: "ES2023",
    lib: ["ES2023", "DOM"],
    types: [],
    module: "NodeNext",
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    skipLibCheck: false,
    outDir: "out",
  }
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
  await writeFile(join(folder, "package.json"), JSON.stringify({ type: "module" }))
  const program = `
    import { createClient, type Message, sendMessage, SwitchboardError } from "@switchboard/server/client"
    declare const console: { log(text: string): void }
    const client = createClient({ url: "${server?.url}", apiKey: "${KEY}" })
    export async function* texts(company: string): AsyncGenerator<string> {
      const { data, nextCursor } = await client.messages.list(company, { limit: 5, direction: "inbound" })
      const first: Message | undefined = data[0]
      if (nextCursor === null && first?.message) yield first.message
      for await (const event of client.sessions.events(company)) if (event.type === "message.sent") yield event.type
    }
    const { name } = await client.companies.put("salon-5", { name: "Salon 5" })
    const refused = await sendMessage("79001234567", "Hi", { companyId: "salon-5" }).catch((error: unknown) => error)
    if (refused instanceof SwitchboardError) console.log([name, refused.code, refused.status].join())`
  await writeFile(join(folder, "program.ts"), program)
  await project.compile(folder)
  const given = { PATH: process.env.PATH, SWITCHBOARD_URL: server?.url, SWITCHBOARD_API_KEY: KEY }
  const { stdout } = await promisify(execFile)(process.execPath, ["out/program.js"], { cwd: folder, env: given })
  expect(stdout).toBe("Salon 5,NO_ACTIVE_SESSION,409\n")

  const wrong = (name: string, call: string): Promise<void> =>
    writeFile(
      join(folder, `${name}.ts`),
      `import { createClient } from "@switchboard/server/client"\nawait createClient({ url: "x" }).${call}`,
    )
  await wrong("wrong-query", 'messages.list("salon-5", { direction: "sideways" })')
  await wrong("wrong-body", 'messages.send("salon-5", { phone: 5 })')
  await wrong("wrong-scope", 'keys.create("salon-5", { name: "x", scopes: ["everything"] })')
  await wrong("wrong-answer", 'sessions.status("salon-5").then(({ status }) => status === "online")')
  const told = await project.compile(folder).catch((thrown: Error) => thrown.message)
  const files = [...(told ?? "").matchAll(/([a-z-]+)\.ts\(\d+,\d+\): error/g)].map(([, name]) => name)
  expect([...new Set(files)].sort()).toEqual(["wrong-answer", "wrong-body", "wrong-query", "wrong-scope"])

  const types = join(project.path, "node_modules/@switchboard/server/dist/core/serve/client")
  for (const file of await readdir(types, { recursive: true })) {
    if (!/\.(js|ts)$/.test(file)) continue
    const imported = (await readFile(join(types, file), "utf8")).matchAll(/^(?:import|export)\b.* from "([^"]+)"/gm)
    expect(
      [...imported].map(([, from]) => from).filter((from) => !from?.startsWith("./") && !from?.startsWith("../")),
    ).toEqual([])
  }
})
