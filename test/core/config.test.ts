import { describe, expect, it } from "vitest"
import { notYet } from "../../config/not-yet.ts"
import { type Config, configFaults } from "../../core/config.ts"
import { type Configured, configure } from "../../core/settings/configure.ts"
import { readEnvironment } from "../../core/settings/environment.ts"
import { count } from "../../core/settings/fields.ts"
import { definePlugin, type Plugin, z } from "../../core/plugin.ts"
import type { ProviderAdapter } from "../../core/provider.ts"
import type { LedgerAdapter } from "../../core/ledger.ts"
import type { StorageAdapter } from "../../core/store.ts"
import { createTestEgress } from "../support/egress.ts"
import { createTestClock } from "../support/clock.ts"
import { createTestSystem } from "../support/system.ts"

const provider = (name: string): ProviderAdapter => ({
  name,
  config: z.object({ speed: count.default(1).describe("Speed") }),
  env: { [`WHATSAPP_${name.toUpperCase()}_SPEED`]: "speed" },
  create: () => {
    throw new Error("Nothing is created while settings are read")
  },
})

/** Stands for a variable that is not built yet and that it would be less safe to ignore. */
const UNSAFE = "WHATSAPP_MEDIA_LIMIT"

const keys = definePlugin({
  name: "keys",
  description: "Knows callers",
  config: z.object({
    adminKey: z.string().min(8, { error: "expected at least 8 characters" }).optional().describe("The admin key"),
    tries: count.default(20).describe("Failures in a minute"),
  }),
  env: { WHATSAPP_API_KEY: { key: "adminKey", secret: true }, WHATSAPP_TRIES: "tries" },
  guardsPublicHost: true,
  check: ({ adminKey }, { loopback }) =>
    loopback || (adminKey?.length ?? 0) >= 24
      ? []
      : [{ variable: "HOST", message: "needs WHATSAPP_API_KEY with at least 24 characters" }],
  setup: () => undefined,
})

interface Given {
  readonly env?: Readonly<Record<string, string>>
  readonly dotenv?: string
  readonly files?: Readonly<Record<string, string>>
  readonly settings?: Config["settings"]
  readonly plugins?: readonly Plugin[]
  /** In the config file, and not in use. */
  readonly idle?: readonly Plugin[]
}

async function read({
  env = {},
  dotenv,
  files = {},
  settings = {},
  plugins = [keys],
  idle = [],
}: Given): Promise<Configured> {
  const system = createTestSystem({ env, files: dotenv === undefined ? files : { ...files, ".env": dotenv } })
  const config: Config = {
    plugins: [...plugins, ...idle],
    providers: [provider("baileys"), provider("other")],
    stores: ["filesystem", "memory"].map((name) => ({ name }) as StorageAdapter),
    ledger: { name: "memory" } as LedgerAdapter,
    system: () => system,
    clock: createTestClock,
    egress: createTestEgress,
    settings,
    notYet: { ...notYet, unsafe: [UNSAFE] },
  }
  const { problems, ...sources } = await readEnvironment(system)
  expect(problems).toEqual([])
  return configure({ config, plugins, sources: { ...sources, configFile: settings }, system })
}

describe("where a setting comes from", () => {
  const sources = (most: number) => ({
    settings: { WHATSAPP_MAX_SESSIONS: 10 },
    ...(most > 1 ? { dotenv: "WHATSAPP_MAX_SESSIONS=20" } : {}),
    ...(most > 2 ? { env: { WHATSAPP_MAX_SESSIONS: "30" } } : {}),
  })

  it("is the default, then the config file, then .env, then the environment", async () => {
    expect((await read({})).core.maxSessions).toBe(1000)
    expect((await read(sources(1))).core.maxSessions).toBe(10)
    expect((await read(sources(2))).core.maxSessions).toBe(20)
    expect((await read(sources(3))).core.maxSessions).toBe(30)
  })

  it("an empty text is the same as none", async () => {
    const { core, problems } = await read({ env: { PORT: "", WHATSAPP_API_KEY: "" }, dotenv: "PORT=4000" })
    expect(core.port).toBe(4000)
    expect(problems).toEqual([])
  })

  it.each([
    ["true", true],
    ["1", true],
    ["YES", true],
    ["on", true],
    ["false", false],
    ["0", false],
    ["no", false],
    ["Off", false],
  ])("takes %s for a truth value", async (text, value) => {
    const { core, problems } = await read({ env: { WHATSAPP_LOG_TO_FILE: text } })
    expect(core.logToFile).toBe(value)
    expect(problems).toEqual([])
  })

  it("goes to its owner", async () => {
    const read1 = await read({ env: { WHATSAPP_TRIES: "5", WHATSAPP_BAILEYS_SPEED: "9" } })
    expect(read1.settingsOf("plugin keys")).toEqual({ tries: 5 })
    expect(read1.settingsOf("provider baileys")).toEqual({ speed: 9 })
    expect(read1.settingsOf("store memory")).toEqual({})
  })
})

describe("problems", () => {
  it("are reported all at once, of every owner, by variable name with what is accepted", async () => {
    const { problems } = await read({
      env: {
        PORT: "70000",
        HOST: "0.0.0.0",
        WHATSAPP_MAX_SESSIONS: "many",
        WHATSAPP_MULTI_TENANT: "false",
        WHATSAPP_PROVIDER: "pigeon",
        WHATSAPP_STORAGE: "redis",
        WHATSAPP_LOG_LEVEL: "loud",
        WHATSAPP_TRIES: "-1",
        WHATSAPP_API_KEY: "short",
        [UNSAFE]: "5",
      },
    })
    expect([...problems].sort()).toEqual([
      "DEFAULT_COMPANY_ID: is needed when WHATSAPP_MULTI_TENANT is false: the id of the one company",
      "HOST: needs WHATSAPP_API_KEY with at least 24 characters",
      "PORT: expected a port from 0 to 65535",
      "WHATSAPP_API_KEY: expected at least 8 characters",
      expect.stringMatching(/^WHATSAPP_LOG_LEVEL: .*"trace"\|"debug"/),
      "WHATSAPP_MAX_SESSIONS: expected a whole number from 1",
      expect.stringMatching(/^WHATSAPP_MEDIA_LIMIT: is not built yet.*leave it out or at 67108864$/),
      "WHATSAPP_PROVIDER: expected one of baileys, other",
      "WHATSAPP_STORAGE: expected one of filesystem, memory",
      "WHATSAPP_TRIES: expected a whole number from 1",
    ])
  })

  it("never show a secret's value, whatever a plugin says about it", async () => {
    const leaky = definePlugin({
      name: "leaky",
      description: "Repeats what it was given",
      config: z.object({
        token: z.string().superRefine((value, context) => {
          context.addIssue({ code: "custom", message: `${value} is a bad token` })
        }),
        crash: z.string().optional(),
      }),
      env: { LEAKY_TOKEN: { key: "token", secret: true }, LEAKY_CRASH: "crash" },
      setup: () => undefined,
    })
    const crashing = definePlugin({
      name: "crashing",
      description: "Its check throws what it was given",
      config: z.object({ token: z.string().optional() }),
      env: { CRASHING_TOKEN: { key: "token", secret: true } },
      check: ({ token }) => {
        throw new Error(`cannot use ${token}`)
      },
      setup: () => undefined,
    })
    const { problems, warnings } = await read({
      plugins: [leaky, crashing],
      env: {
        LEAKY_TOKEN: "hunter2",
        CRASHING_TOKEN: "hunter2",
        WHATSAPP_WEBHOOK_SECRET: "hunter2",
        WHATSAPP_API_KEI: "hunter2",
      },
    })
    expect(problems).toHaveLength(2)
    expect(JSON.stringify([problems, warnings])).not.toContain("hunter2")
  })

  it("name both owners of one variable", async () => {
    const second = definePlugin({ ...keys, name: "second", check: () => [] } as never)
    const { problems } = await read({ plugins: [keys, second] })
    expect(problems).toContain("WHATSAPP_API_KEY: is declared by two owners: plugin keys and plugin second")
  })

  it("come from a plugin without settings, too, when it judges what surrounds it", async () => {
    const recluse = definePlugin({
      name: "recluse",
      description: "Wants to be alone",
      check: (_, { multiTenant }) =>
        multiTenant ? [{ variable: "WHATSAPP_MULTI_TENANT", message: "must be false" }] : [],
      setup: () => undefined,
    })
    expect((await read({ plugins: [recluse] })).problems).toEqual(["WHATSAPP_MULTI_TENANT: must be false"])
  })

  it("tell a setting that has no default and is not set", async () => {
    const needy = definePlugin({
      name: "needy",
      description: "Needs a town",
      config: z.object({ town: z.string({ error: "expected the name of a town" }) }),
      env: { NEEDY_TOWN: "town" },
      setup: () => undefined,
    })
    expect((await read({ plugins: [needy] })).problems).toEqual(["NEEDY_TOWN: is needed (expected the name of a town)"])
  })

  it("tell an unknown name in the config file, and suggest", async () => {
    const { problems } = await read({ settings: { WHATSAPP_MAX_SESSION: 5 } })
    expect(problems).toEqual([
      "WHATSAPP_MAX_SESSION: in the config file: is not known; did you mean WHATSAPP_MAX_SESSIONS?",
    ])
  })
})

it("a config module that is none is told by all it lacks", () => {
  expect(configFaults(undefined)).toEqual(["its default export must be defineConfig({ … })"])
  expect(configFaults({ plugins: {}, ledger: null, clock: () => undefined })).toEqual([
    "plugins must be a list",
    "providers must be a list",
    "stores must be a list",
    "ledger must be a ledger adapter",
    "system must be a function",
    "egress must be a function",
  ])
})

describe("warnings", () => {
  it("suggest the nearest name for an unknown one, and leave other programs' names alone", async () => {
    const { problems, warnings } = await read({
      env: { WHATSAPP_RECONECT_DELAY: "1", HOME: "/root", WHATSAPP_QQQQQQQQQQQQ: "1" },
      dotenv: "WHATSAPP_LOGLEVEL=debug",
    })
    expect(problems).toEqual([])
    expect([...warnings].sort()).toEqual([
      "WHATSAPP_LOGLEVEL: is not known; did you mean WHATSAPP_LOG_LEVEL?",
      "WHATSAPP_QQQQQQQQQQQQ: is not known",
      "WHATSAPP_RECONECT_DELAY: is not known; did you mean WHATSAPP_RECONNECT_DELAY?",
    ])
  })

  it("tell a variable whose owner is not in use", async () => {
    const { warnings } = await read({
      plugins: [],
      idle: [keys],
      env: { WHATSAPP_API_KEY: "x".repeat(30), WHATSAPP_OTHER_SPEED: "2" },
    })
    expect(warnings).toEqual([
      "WHATSAPP_API_KEY: belongs to the plugin keys, which is not in use",
      "WHATSAPP_OTHER_SPEED: belongs to the provider other, which is not in use",
    ])
  })

  it("tell that the default company has no effect in multi-tenant mode", async () => {
    const { problems, warnings } = await read({ env: { DEFAULT_COMPANY_ID: "962302" } })
    expect(problems).toEqual([])
    expect(warnings).toEqual(["DEFAULT_COMPANY_ID: has no effect while WHATSAPP_MULTI_TENANT is true"])
  })
})

describe("secrets in files", () => {
  const secret = async (given: Given) => {
    const { settingsOf, problems } = await read(given)
    return { value: settingsOf("plugin keys").adminKey, problems }
  }

  it("are read without the newline at the end", async () => {
    const env = { WHATSAPP_API_KEY_FILE: "/run/key" }
    const key = "with spaces inside  "
    expect(await secret({ env, files: { "/run/key": `${key}\r\n` } })).toEqual({ value: key, problems: [] })
  })

  it("and as a value at once stop the start, also across sources", async () => {
    const { problems } = await secret({
      env: { WHATSAPP_API_KEY_FILE: "/run/key" },
      dotenv: "WHATSAPP_API_KEY=12345678",
      files: { "/run/key": "87654321" },
    })
    expect(problems).toEqual(["WHATSAPP_API_KEY_FILE: WHATSAPP_API_KEY is set as well; give one of the two"])
  })

  it.each([
    ["absent", undefined, "expected the path of a file that can be read"],
    ["empty", "\n", "the file is empty"],
  ])(
    "that are %s stop the start, without showing the path, which may be the secret itself",
    async (_, text, message) => {
      const path = "0123456789abcdef"
      const { problems } = await secret({
        env: { WHATSAPP_API_KEY_FILE: path },
        files: text === undefined ? {} : { [path]: text },
      })
      expect(problems).toEqual([`WHATSAPP_API_KEY_FILE: ${message}`])
    },
  )

  it("exist for secrets only", async () => {
    const { warnings } = await read({ env: { WHATSAPP_LOG_LEVEL_FILE: "/run/level" } })
    expect(warnings).toEqual(["WHATSAPP_LOG_LEVEL_FILE: is not known; did you mean WHATSAPP_LOG_LEVEL?"])
  })
})

describe("an address other than loopback", () => {
  it.each(["127.0.0.1", "localhost", "::1", "[::1]", "127.8.8.8"])("is not %s", async (host) => {
    expect((await read({ env: { HOST: host }, plugins: [] })).problems).toEqual([])
  })

  it.each(["0.0.0.0", "::", "192.168.1.4", "127.0.0.1.example.com", "1270.0.0.1"])(
    "%s needs somebody who identifies callers",
    async (host) => {
      const { problems } = await read({ env: { HOST: host }, plugins: [] })
      expect(problems).toHaveLength(1)
      expect(problems[0]).toMatch(/^HOST: .*WHATSAPP_API_KEY/)
      const key = "k".repeat(24)
      expect((await read({ env: { HOST: host, WHATSAPP_API_KEY: key } })).problems).toEqual([])
      expect((await read({ env: { HOST: host, WHATSAPP_API_KEY: key.slice(1) } })).problems).toHaveLength(1)
    },
  )
})

describe("what is not built yet", () => {
  it("stops the start where ignoring it would be less safe", async () => {
    const { problems } = await read({ env: { [UNSAFE]: "5" } })
    expect(problems).toEqual([expect.stringMatching(new RegExp(`^${UNSAFE}: is not built yet`))])
  })

  it("is a warning otherwise, only when set, and silent where the default is what happens anyway", async () => {
    expect(await read({ env: { WHATSAPP_ISOLATE_AUTH: "true" } })).toMatchObject({ problems: [], warnings: [] })
    const { problems, warnings } = await read({ env: { WHATSAPP_ISOLATE_AUTH: "false" } })
    expect(problems).toEqual([])
    expect(warnings).toEqual(["WHATSAPP_ISOLATE_AUTH: is not built yet and has no effect"])
  })

  it("is checked all the same", async () => {
    const { problems } = await read({
      env: { WHATSAPP_MEDIA_LIMIT: "much" },
    })
    expect(problems).toEqual([expect.stringMatching(/^WHATSAPP_MEDIA_LIMIT: expected/)])
  })
})

describe("settings in force", () => {
  it("say where each comes from and whose it is, and never a secret", async () => {
    const { inForce } = await read({
      env: { WHATSAPP_TRIES: "7", WHATSAPP_API_KEY_FILE: "key.txt", HOST: "127.0.0.1" },
      dotenv: "WHATSAPP_TRIES=6\nWHATSAPP_SOCKET_NAME=https://ann:s3cret@host.example",
      files: { "key.txt": "a secret of twenty-four!" },
      settings: { PORT: 4000 },
    })
    const of = (name: string) => inForce.find(({ variable }) => variable === name)
    expect(of("WHATSAPP_TRIES")).toEqual({
      variable: "WHATSAPP_TRIES",
      value: 7,
      source: "environment",
      owner: "plugin keys",
    })
    expect(of("WHATSAPP_API_KEY")).toMatchObject({ value: "***", source: "environment" })
    expect(of("PORT")).toMatchObject({ value: 4000, source: "config file", owner: "core" })
    expect(of("WHATSAPP_MAX_SESSIONS")).toMatchObject({ value: 1000, source: "default" })
    expect(JSON.stringify(inForce)).not.toContain("s3cret")
    expect(JSON.stringify(inForce)).not.toContain("twenty-four")
  })
})
