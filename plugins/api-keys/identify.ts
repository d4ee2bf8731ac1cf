import type { Knock, PluginContext, Principal, Refusal } from "../../core/plugin.ts"
import { createAttempts } from "./attempts.ts"
import { keyIdIn } from "./key-text.ts"
import type { KnownKey, KnownKeys } from "./known-keys.ts"
import { isOwnMachine } from "./loopback.ts"
import { AMBIGUOUS, keyIn } from "./presented.ts"

const scopes: Principal["scopes"] = new Set(["send", "read", "session", "admin", "operator"])
const admin: Principal = { kind: "admin", scopes }
const ownMachine: Principal = { kind: "loopback", scopes }
const DIGEST_BYTES = 32

type Context = Pick<
  PluginContext<unknown, "UNAUTHORIZED" | "TOO_MANY_ATTEMPTS" | "STORAGE_UNAVAILABLE">,
  "system" | "clock" | "reject"
>
type Verdict = Principal | Refusal

/**
 * Who knocks. A call that carries a key is judged by that alone, also from this machine. Every key costs one digest and
 * two comparisons of digests, whether it is known or not, so that the time tells nothing about how much of it is right;
 * one that is remembered, like the admin key, is judged at once.
 */
export function createIdentify(
  adminKey: string | undefined,
  keys: Pick<KnownKeys, "find" | "use">,
  { system, clock, reject }: Context,
): (knock: Knock) => Verdict | Promise<Verdict> {
  const attempts = createAttempts(clock)
  const encoder = new TextEncoder()
  const digest = (text: string): Uint8Array => system.sha256(encoder.encode(text))
  /** What no key has as its digest. */
  const nobody = system.randomBytes(DIGEST_BYTES)
  const ofAdmin = adminKey === undefined ? nobody : digest(adminKey)

  const failed = ({ clientAddress }: Knock): Refusal => {
    const wait = attempts.failed(clientAddress ?? "")
    return wait === undefined ? reject("UNAUTHORIZED") : reject("TOO_MANY_ATTEMPTS", { retryAfter: wait })
  }

  const judge = (given: Uint8Array, key: KnownKey | undefined, knock: Knock): Verdict => {
    const right = system.equal(given, key?.hash ?? nobody)
    if (!right || key === undefined) return failed(knock)
    keys.use(key)
    return key.principal
  }

  return (knock) => {
    const text = keyIn(knock.headers)
    if (text === undefined) {
      if (adminKey !== undefined) return reject("UNAUTHORIZED")
      if (isOwnMachine(knock)) return ownMachine
      return reject("UNAUTHORIZED", {
        message: "Only direct calls from this machine need no key; set WHATSAPP_API_KEY",
      })
    }
    if (text === AMBIGUOUS) {
      return reject("UNAUTHORIZED", { message: "X-API-Key and Authorization carry two different keys" })
    }
    const given = digest(text)
    if (system.equal(given, ofAdmin)) return admin
    const keyId = keyIdIn(text)
    const found = keyId === undefined ? undefined : keys.find(keyId)
    if (!(found instanceof Promise)) return judge(given, found, knock)
    return found.then(
      (key) => judge(given, key, knock),
      (cause: unknown) => reject("STORAGE_UNAVAILABLE", { cause }),
    )
  }
}
