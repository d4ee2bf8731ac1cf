import { bool, definePlugin, list, type ResealProgress, type SettingProblem, z } from "../../core/plugin.ts"
import { createCipher } from "./cipher.ts"
import { ACCEPTED, masterKey, type MasterKey, readKey } from "./keys.ts"

const progress = z.object({
  success: z.literal(true),
  data: z.object({
    state: z.enum(["idle", "running", "done", "failed"]),
    startedAt: z.string().nullable(),
    endedAt: z.string().nullable(),
    companies: z.object({ total: z.int(), done: z.int(), failed: z.int() }),
    records: z.int(),
    failures: z.array(z.object({ companyId: z.string(), code: z.string(), message: z.string() })),
  }),
})

const PATH = "/api/whatsapp/encryption/reseal"

export default definePlugin({
  name: "encryption",
  description: "Seals credentials and messages where they are stored, under a key of each company.",
  config: z.object({
    key: z
      .string()
      .optional()
      .describe("Key for encryption at rest: 64 hex digits, base64 of 32 bytes, or a passphrase"),
    keysOld: list.default([]).describe("Former keys that still open records, comma-separated"),
    messages: bool.default(false).describe("Encrypt stored messages as well as credentials"),
  }),
  env: {
    WHATSAPP_ENCRYPTION_KEY: { key: "key", secret: true },
    WHATSAPP_ENCRYPTION_KEYS_OLD: { key: "keysOld", secret: true },
    WHATSAPP_ENCRYPT_MESSAGES: "messages",
  },
  errors: {
    ENCRYPTION_OFF: { status: 409, message: "No WHATSAPP_ENCRYPTION_KEY is set, so there is nothing to seal with" },
  },

  check({ key, keysOld, messages }) {
    const problems: SettingProblem[] = []
    const wrong = (variable: string, message: string): void => void problems.push({ variable, message })
    if (key === undefined && messages) wrong("WHATSAPP_ENCRYPT_MESSAGES", "needs WHATSAPP_ENCRYPTION_KEY")
    if (key === undefined && keysOld.length > 0) {
      wrong("WHATSAPP_ENCRYPTION_KEYS_OLD", "needs WHATSAPP_ENCRYPTION_KEY, under which new records are sealed")
    }
    if (key !== undefined && readKey(key) === undefined) wrong("WHATSAPP_ENCRYPTION_KEY", ACCEPTED)
    if (keysOld.some((old) => readKey(old) === undefined)) wrong("WHATSAPP_ENCRYPTION_KEYS_OLD", `each: ${ACCEPTED}`)
    return problems
  },

  async setup({ config, on, reject, route, records, system }) {
    const given = [...(config.key === undefined ? [] : [config.key]), ...config.keysOld]
    const [newest, ...older] = await Promise.all(given.map((text) => masterOf(text, system)))

    if (newest !== undefined) {
      const cipher = createCipher(newest, older, system, (kind, name) => {
        const cause = new Error(`${name} does not open`)
        if (kind === "damaged") return reject("RECORD_DAMAGED", { cause }).error
        const message =
          "A stored record is sealed under a key that is neither WHATSAPP_ENCRYPTION_KEY nor among WHATSAPP_ENCRYPTION_KEYS_OLD"
        return reject("RECORD_SEALED", { message, cause }).error
      })
      on("record:seal", (plain, of) => cipher.seal(plain, of))
      on("record:open", (sealed, of) => cipher.open(sealed, of))
      on("record:name", (names, of) => cipher.name(names, of))
      records.seal(config.messages ? ["credentials", "messages"] : ["credentials"])
    }

    route({
      spec: {
        method: "post",
        path: PATH,
        scope: "operator",
        company: "none",
        summary: "Seal everything under the newest key",
        description:
          "Goes on beside the lines; called again while it does, it answers how far that is. Afterwards records that are plain, or sealed under an older key, are refused as damaged.",
        tag: "Encryption",
        responses: { 202: { description: "Under way", schema: progress } },
        errors: ["ENCRYPTION_OFF"],
      },
      handle() {
        if (newest === undefined) return reject("ENCRYPTION_OFF")
        return Response.json(shown(records.reseal()), { status: 202 })
      },
    })
    route({
      spec: {
        method: "get",
        path: PATH,
        scope: "operator",
        company: "none",
        summary: "How far sealing anew is",
        tag: "Encryption",
        responses: { 200: { description: "Progress", schema: progress } },
      },
      handle: () => shown(records.resealProgress()),
    })
  },
})

async function masterOf(text: string, system: Parameters<typeof masterKey>[1]): Promise<MasterKey> {
  const given = readKey(text)
  // Refused by `check` before anything starts.
  if (given === undefined) throw new Error("A key for encryption is none")
  return masterKey(given, system)
}

function shown({ startedAt, endedAt, ...rest }: ResealProgress): z.output<typeof progress> {
  const iso = (at: number | null): string | null => (at === null ? null : new Date(at).toISOString())
  return {
    success: true,
    data: { ...rest, startedAt: iso(startedAt), endedAt: iso(endedAt), failures: [...rest.failures] },
  }
}
