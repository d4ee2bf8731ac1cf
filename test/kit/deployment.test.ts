import { execFile } from "node:child_process"
import { cp, mkdir, readFile, stat, writeFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest"
import { read, root } from "../house/source.ts"
import { type Sandbox, startSandbox } from "../sandbox/index.ts"
import { temporaryFolder } from "../support/folder.ts"
import { type RedisServer, redisMissing, startRedis } from "../support/redis-server.ts"
import { readCompose, serviceOf } from "./compose.ts"
import { buildImage, type Image } from "./image.ts"
import { missing } from "./programs.ts"
import { freePort, type Served, serve } from "./serve.ts"

/** The Dockerfile's steps, carried out in a scratch folder, and everything of the kit that starts a server, started there. */

const MINUTES = 180_000
vi.setConfig({ testTimeout: MINUTES, hookTimeout: MINUTES })

const KEY = "an-admin-key-of-enough-characters"
const run = promisify(execFile)

let scratch: Awaited<ReturnType<typeof temporaryFolder>>
let sandbox: Sandbox
let image: Image
let app: string

beforeAll(async () => {
  scratch = await temporaryFolder()
  ;[sandbox, image] = await Promise.all([startSandbox(), buildImage(scratch.path)])
  app = join(image.folder, image.workdir)
})
afterAll(async () => {
  await sandbox?.stop()
  await scratch.remove()
})

/** The example as it stands in the kit, in the environment given. */
async function initCompanies(env: Record<string, string>): Promise<{ code: number; out: string; err: string }> {
  const { PATH } = process.env
  const ended = run(process.execPath, [join(root, "config/examples/init-companies.mjs")], { env: { PATH, ...env } })
  return ended.then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout,
      err: stderr,
    }),
  )
}

describe("the image", () => {
  it("runs as a user without rights, to whom the volume belongs, and starts the server without a shell in between", () => {
    expect(image.user).toBe("node")
    expect(image.volumes).toEqual(["/data"])
    expect(image.chowned).toEqual(["chown -R node:node /data"])
    expect(image.env.WHATSAPP_SESSIONS_PATH).toMatch(/^\/data\//)
    expect(image.env.WHATSAPP_LOG_PATH).toMatch(/^\/data\//)
    expect(image.stopSignal).toBe("SIGTERM")
    expect(image.cmd[0]).toBe("node")
  })

  it("has no sources, no tests and no package that is for development alone", async () => {
    for (const path of ["core", "plugins", "adapters", "test", "dist/test", "config/docs.ts", "node_modules/vitest"])
      await expect(stat(join(app, path)), path).rejects.toThrow("ENOENT")
  })

  it.skipIf(redisMissing !== "")(
    `with the environment of the compose file it serves, is healthy, links lines, and ends at SIGTERM${redisMissing}`,
    async () => {
      const redis = await startRedis({ args: redisArguments() })
      let served: Served | undefined
      try {
        const port = await freePort()
        const env = { ...composed(redis), ...sandbox.env, PORT: String(port) }
        await mkdir(join(image.folder, "run/secrets"), { recursive: true })
        await writeFile(join(image.folder, "run/secrets/api-key"), `${KEY}\n`)
        served = await serve(image.cmd, { cwd: app, env, url: `http://127.0.0.1:${port}` })
        const check = () => run(image.healthcheck[0] ?? "", image.healthcheck.slice(1), { cwd: app, env })
        await check()
        const strangers = await fetch(`${served.url}/api/whatsapp/sessions`)
        expect(strangers.status).toBe(401)

        const begun = await initCompanies({ SWITCHBOARD_URL: served.url, WHATSAPP_API_KEY: KEY })
        expect(begun.out.trim().split("\n")).toEqual(
          ["1", "2", "3"].map((number) => `Initialized Beauty Salon ${number}`),
        )
        expect(begun).toMatchObject({ code: 0, err: "" })
        expect(await redis.client().dbsize()).toBeGreaterThan(0)
        expect((await stat(join(image.folder, "data/sessions"))).isDirectory()).toBe(true)

        expect(await served.end(image.stopSignal as NodeJS.Signals)).toEqual({ code: 0, signal: null })
        await expect(check()).rejects.toMatchObject({ code: 1 })
      } finally {
        await served?.kill()
        await redis.remove()
      }
    },
  )

  it("does not start without a key, since others than this machine reach it", async () => {
    const env = { PATH: process.env.PATH, ...composed(undefined), WHATSAPP_STORAGE: "filesystem", PORT: "0" }
    const keyless = { ...env, WHATSAPP_API_KEY_FILE: "", REDIS_URL: "" }
    await expect(run(process.execPath, image.cmd.slice(1), { cwd: app, env: keyless })).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("WHATSAPP_API_KEY"),
    })
  })
})

describe("the examples", () => {
  it("init-companies says for each company that nobody answers, and fails", async () => {
    const ended = await initCompanies({ SWITCHBOARD_URL: `http://127.0.0.1:${await freePort()}` })
    expect(ended.code).toBe(1)
    expect(ended.out).toBe("")
    for (const number of [1, 2, 3]) expect(ended.err).toContain(`Error initializing Beauty Salon ${number}:`)
  })

  it("init-companies says for each company that it was refused, and fails", async () => {
    const served = await serveHere({ WHATSAPP_API_KEY: KEY })
    try {
      const ended = await initCompanies({ SWITCHBOARD_URL: served.url })
      expect(ended.code).toBe(1)
      for (const number of [1, 2, 3]) expect(ended.err).toContain(`Failed to initialize Beauty Salon ${number}`)
    } finally {
      await served.kill()
    }
  })

  it("setup-multi-tenant.sh starts a server, and keeps the secret that it made", async () => {
    await cp(join(root, "config/examples"), join(app, "config/examples"), { recursive: true })
    const secrets: string[] = []
    for (const _ of [1, 2]) {
      const port = await freePort()
      const env = { ...sandbox.env, PORT: String(port), WHATSAPP_SESSIONS_PATH: join(scratch.path, "tenants") }
      const script = join(app, "config/examples/setup-multi-tenant.sh")
      const served = await serve([script], { cwd: scratch.path, env, url: `http://127.0.0.1:${port}` })
      expect(await inForce(served)).toMatchObject({
        WHATSAPP_MULTI_TENANT: [true, "environment"],
        WHATSAPP_MAX_SESSIONS: [500, "environment"],
        WHATSAPP_WEBHOOK_SECRET: ["***", ".env"],
        WHATSAPP_LOG_TO_FILE: [true, "environment"],
      })
      expect(await served.end("SIGTERM")).toEqual({ code: 0, signal: null })
      secrets.push(await readFile(join(app, ".env"), "utf8"))
    }
    expect(secrets[0]).toMatch(/^WHATSAPP_WEBHOOK_SECRET=[0-9a-f]{64}\n$/)
    expect(secrets[1]).toBe(secrets[0])
    expect((await stat(join(app, ".env"))).mode & 0o077).toBe(0)
  })

  it("setup-multi-tenant.sh is good bash", async () => {
    await run("bash", ["-n", join(root, "config/examples/setup-multi-tenant.sh")])
  })

  it.skipIf(missing("shellcheck") !== "")(
    `setup-multi-tenant.sh passes shellcheck${missing("shellcheck")}`,
    async () => {
      await run("shellcheck", [join(root, "config/examples/setup-multi-tenant.sh")])
    },
  )
})

describe("PM2", () => {
  it("is given one process of the name that operators restart, in fork mode, with time to finish", async () => {
    const { apps } = await ecosystem()
    expect(apps).toHaveLength(1)
    expect(apps[0]).toMatchObject({ name: "ai-admin-api", exec_mode: "fork", instances: 1, watch: false })
    expect(apps[0]?.kill_timeout).toBeGreaterThan(10_000)
  })

  it("starts it as PM2 does, with the settings of a .env beside package.json, and its SIGINT ends it", async () => {
    const { apps } = await ecosystem()
    const [{ cwd, script, env }] = apps as [App]
    expect(cwd).toBe(app)
    await writeFile(
      join(app, ".env"),
      `${defaults()}WHATSAPP_MULTI_TENANT=true\nWHATSAPP_MAX_SESSIONS=100\n# ... other settings\n`,
    )
    const port = await freePort()
    const served = await serve([process.execPath, join(cwd, script)], {
      cwd,
      env: { ...sandbox.env, ...env, PORT: String(port), WHATSAPP_SESSIONS_PATH: join(scratch.path, "pm2") },
      url: `http://127.0.0.1:${port}`,
    })
    expect(await inForce(served)).toMatchObject({
      WHATSAPP_MULTI_TENANT: [true, ".env"],
      WHATSAPP_MAX_SESSIONS: [100, ".env"],
      WHATSAPP_COMPANY_ID_PATTERN: ["^[a-zA-Z0-9_-]+$", ".env"],
    })
    expect(await served.end("SIGINT")).toEqual({ code: 0, signal: null })
  })
})

/** `.env.example` with the # taken from every default, but for the config file, of which an image has the compiled form only. */
function defaults(): string {
  const lines = [...read(".env.example").matchAll(/^# (?!WHATSAPP_CONFIG)([A-Z][A-Z0-9_]*=.+)$/gm)].map(
    ([, line]) => line,
  )
  return `${lines.join("\n")}\n`
}

interface App {
  readonly cwd: string
  readonly script: string
  readonly kill_timeout: number
  readonly env: Record<string, string>
}

/** PM2's file as it is read beside the server of this test. */
async function ecosystem(): Promise<{ readonly apps: readonly App[] }> {
  await cp(join(root, "config/pm2"), join(app, "config/pm2"), { recursive: true })
  const file = join(app, "config/pm2/ecosystem.config.cjs")
  return createRequire(import.meta.url)(file) as { readonly apps: readonly App[] }
}

/** The environment of the compose file, with what stands for its paths and for the host `redis` here. */
function composed(redis: Pick<RedisServer, "port"> | undefined): Record<string, string> {
  const { environment = {} } = serviceOf(readCompose(), "switchboard")
  const here = Object.entries({ ...image.env, ...environment }).map(([name, value]) => [
    name,
    value.replace(/^\/(?=data|run)/, `${image.folder}/`).replace(/\bredis:6379\b/, `127.0.0.1:${redis?.port ?? 0}`),
  ])
  return Object.fromEntries(here) as Record<string, string>
}

/** What Redis is started with there, program left out. */
const redisArguments = (): readonly string[] => serviceOf(readCompose(), "redis").command?.slice(1) ?? []

/** The server of the image, for this machine alone. */
async function serveHere(env: Record<string, string>): Promise<Served> {
  const port = await freePort()
  const folder = join(scratch.path, `data-${port}`)
  return serve(image.cmd, {
    cwd: app,
    env: { ...sandbox.env, PORT: String(port), WHATSAPP_SESSIONS_PATH: folder, ...env },
    url: `http://127.0.0.1:${port}`,
  })
}

/** Settings that do not have their default, with where they come from. */
async function inForce({ url }: Served): Promise<Record<string, readonly [value: unknown, source: string]>> {
  const answer = await fetch(`${url}/api/whatsapp/settings`)
  const { data } = (await answer.json()) as { data: { variable: string; value: unknown; source: string }[] }
  return Object.fromEntries(data.map(({ variable, value, source }) => [variable, [value, source] as const]))
}
