import type { AuthenticationCreds } from "@whiskeysockets/baileys"
import { toError } from "../../../../core/errors.ts"
import type { AuthFacts, AuthImport, FileProblem } from "../../../../core/provider.ts"
import type { AuthBatch, AuthStore } from "../../../../core/store.ts"
import { encodeJson } from "../codec.ts"
import { credentialRecords, isFinished, readCredentials, userOf } from "../creds.ts"
import { parseJid } from "../jid.ts"
import { PRE_KEY } from "../signal/own-keys.ts"
import { CREDS_FILE, parseFile, readName } from "./files.ts"
import { recordOf } from "./records.ts"

type Records = Record<string, Record<string, Uint8Array>>

/**
 * The auth state of a linked device out of the files that Baileys keeps it in. Every file is accounted for: what cannot
 * be read is among the problems, and is fatal for the credentials alone.
 */
export async function importAuth(files: ReadonlyMap<string, Uint8Array>): Promise<AuthImport> {
  const problems: FileProblem[] = []
  const creds = await credentialsIn(files, problems)
  if (creds === undefined) return { auth: {}, facts: undefined, problems }
  const own = { identity: creds.signedIdentityKey.public, registrationId: creds.registrationId }
  const records: Records = {}
  for (const [name, bytes] of files) {
    if (name === CREDS_FILE) continue
    const file = readName(name)
    if (file === undefined) {
      problems.push({ file: name, message: "Baileys writes no file of this name", fatal: false })
      continue
    }
    try {
      ;(records[file.type] ??= Object.create(null) as Record<string, Uint8Array>)[file.id] = recordOf(
        file.type,
        parseFile(bytes),
        own,
      )
    } catch (thrown) {
      problems.push({ file: name, message: why(thrown), fatal: false })
    }
  }
  // Keys may be newer than the credentials, which a crash has kept from being written: no id may be given out twice.
  const ids = Object.keys(records[PRE_KEY] ?? {}).map(Number)
  creds.nextPreKeyId = ids.reduce((next, id) => Math.max(next, id + 1), creds.nextPreKeyId)
  const auth: AuthBatch = { ...records, ...credentialRecords(creds) }
  return { auth, facts: factsOf(creds), problems }
}

/** What tells one link from another, and an older state of it from a newer one. */
export async function describeAuth(auth: Pick<AuthStore, "load">): Promise<AuthFacts | undefined> {
  const creds = await readCredentials(auth)
  return creds !== undefined && isFinished(creds) ? factsOf(creds) : undefined
}

async function credentialsIn(
  files: ReadonlyMap<string, Uint8Array>,
  problems: FileProblem[],
): Promise<AuthenticationCreds | undefined> {
  const refuse = (message: string): undefined => void problems.push({ file: CREDS_FILE, message, fatal: true })
  const bytes = files.get(CREDS_FILE)
  if (bytes === undefined) return refuse("There is no such file")
  try {
    const record = encodeJson(parseFile(bytes))
    const creds = await readCredentials({ load: async () => ({ main: record }) })
    if (creds === undefined || !isFinished(creds))
      return refuse("Its pairing was never finished: there is no link in it")
    return creds
  } catch (thrown) {
    return refuse(why(thrown))
  }
}

function factsOf(creds: AuthenticationCreds): AuthFacts {
  const { nextPreKeyId, firstUnuploadedPreKeyId, accountSyncCounter, lastAccountSyncTimestamp = 0 } = creds
  return {
    user: userOf(creds),
    device: parseJid(creds.me?.id)?.device ?? null,
    identity: Buffer.from(creds.signedIdentityKey.public).toString("base64"),
    registrationId: creds.registrationId,
    counters: {
      nextPreKeyId,
      firstUnuploadedPreKeyId,
      signedPreKeyId: creds.signedPreKey.keyId,
      accountSyncCounter,
      lastAccountSyncTimestamp,
    },
  }
}

/** What is wrong, without a word of what stands in the file. */
function why(thrown: unknown): string {
  const { name, message } = toError(thrown)
  if (name === "SyntaxError") return "It is no JSON: cut off, or damaged"
  return name === "TypeError" || name === "RangeError" || name === "AppError" ? message : "It cannot be read"
}
