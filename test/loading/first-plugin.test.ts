import { mkdir, readFile, symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, expect, it } from "vitest"
import { temporaryFolder } from "../support/folder.ts"
import { type Platform, root, startPlatform } from "../support/platform.ts"

/** The first plugin of the README, as it stands there, saved and enabled as it says. */

const closing: (() => Promise<unknown>)[] = []
afterAll(async () => {
  for (const close of closing.reverse()) await close()
})

/** What stands between these fences in that section. */
function block(readme: string, language: string): string {
  const section = readme.slice(readme.indexOf("### Write your first plugin"))
  const [, text] = section.match(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``)) ?? []
  if (text === undefined) throw new Error(`README.md has no ${language} block in its section on plugins`)
  return text
}

async function start(env: Readonly<Record<string, string>>, source: string): Promise<Platform> {
  const folder = await temporaryFolder()
  closing.push(() => folder.remove())
  await writeFile(join(folder.path, "package.json"), JSON.stringify({ type: "module" }))
  await mkdir(join(folder.path, "node_modules/@switchboard"), { recursive: true })
  await symlink(root, join(folder.path, "node_modules/@switchboard/server"), "dir")
  await writeFile(join(folder.path, "no-shouting.ts"), source)
  const platform = await startPlatform({ installedIn: folder.path, env: { ...env, WHATSAPP_STORAGE: "memory" } })
  closing.push(() => platform.stop())
  return platform
}

it("has ten lines, is enabled behind all that are there, and does what it says", { timeout: 120_000 }, async () => {
  const readme = await readFile(join(root, "README.md"), "utf8")
  const source = block(readme, "ts")
  expect(source.trimEnd().split("\n")).toHaveLength(10)
  const plugins = /^WHATSAPP_PLUGINS=(\S+) npm start$/m.exec(block(readme, "sh"))?.[1] ?? ""
  expect(plugins).toMatch(/,\.\/no-shouting\.ts$/)
  const platform = await start({ WHATSAPP_PLUGINS: plugins }, source)
  const send = (message: string) =>
    platform.call("POST", "/api/whatsapp/send", { companyId: "salon-1", phone: "79001234567", message })
  const error = { code: "SHOUTING", message: "Please do not shout" }
  expect(await send("SEE YOU TOMORROW")).toMatchObject({ status: 422, body: { success: false, error } })
  expect(await send("See you tomorrow")).toMatchObject({ status: 409, body: { error: { code: "NO_ACTIVE_SESSION" } } })
})
