import type { CoreHookMap, HookKind } from "../plugin.ts"

/**
 * The stages of the house as they are known at run time: the kind of each, and what a handler may answer. Types keep
 * TypeScript plugins right; this keeps out what a plugin written in JavaScript hands back.
 */

export interface HookRule<K extends HookKind = HookKind> {
  readonly kind: K
  /** True when the value may be handed on; `given` is what a transform received. Guards and observers answer nothing. */
  readonly accepts?: (value: unknown, given: unknown) => boolean
}

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null

const isPrincipal = (value: unknown): boolean =>
  isObject(value) && typeof value.kind === "string" && value.scopes instanceof Set

const isDraft = (value: unknown): boolean => isObject(value) && isObject(value.to) && isObject(value.content)

const isHold = (value: unknown): boolean =>
  isObject(value) &&
  (value.notBefore === null || Number.isFinite(value.notBefore)) &&
  (value.reason === null || typeof value.reason === "string") &&
  (value.queue === undefined || value.queue === null || typeof value.queue === "string")

/** As many records as went in: a lost one would be lost for good. */
const isRecords = (value: unknown, given: unknown): boolean =>
  Array.isArray(value) &&
  Array.isArray(given) &&
  value.length === given.length &&
  value.every((record) => record instanceof Uint8Array)

const isNames = (value: unknown, given: unknown): boolean =>
  Array.isArray(value) &&
  Array.isArray(given) &&
  value.length === given.length &&
  value.every((name) => typeof name === "string")

const isId = (value: unknown): boolean => typeof value === "string" && value !== ""

const isVerified = (value: unknown): boolean =>
  isObject(value) &&
  typeof value.scheme === "string" &&
  (value.id === null || isId(value.id)) &&
  (value.also === undefined || (Array.isArray(value.also) && value.also.every(isId))) &&
  Number.isFinite(value.rememberMs)

const isHeaders = (value: unknown): boolean =>
  isObject(value) && Object.values(value).every((text) => typeof text === "string")

const isHealthItem = (value: unknown): boolean =>
  isObject(value) && typeof value.ok === "boolean" && (value.detail === undefined || typeof value.detail === "string")

const isAbsentOr = (type: string, value: unknown): boolean => value === undefined || typeof value === type

const isFinding = (value: unknown): boolean =>
  isObject(value) &&
  isId(value.check) &&
  typeof value.ok === "boolean" &&
  typeof value.detail === "string" &&
  (value.waitsUntil === undefined || Number.isFinite(value.waitsUntil)) &&
  isAbsentOr("string", value.phone) &&
  isAbsentOr("boolean", value.onWhatsApp)

export const hookTable = {
  "request:identify": { kind: "first", accepts: isPrincipal },
  "company:validate": { kind: "guard" },
  "session:start": { kind: "guard" },
  "message:prepare": { kind: "transform", accepts: isDraft },
  "message:validate": { kind: "guard" },
  "message:address": { kind: "transform", accepts: isDraft },
  "message:block": { kind: "guard" },
  "message:limit": { kind: "guard" },
  "outbox:hold": { kind: "transform", accepts: isHold },
  "record:seal": { kind: "transform", accepts: isRecords },
  "record:open": { kind: "transform", accepts: isRecords },
  "record:name": { kind: "transform", accepts: isNames },
  "message:accepted": { kind: "observe" },
  "message:sent": { kind: "observe" },
  "message:status": { kind: "observe" },
  "message:failed": { kind: "observe" },
  "message:received": { kind: "observe" },
  "message:rejected": { kind: "observe" },
  "session:status": { kind: "observe" },
  "session:pairing": { kind: "observe" },
  "webhook:verify": { kind: "first", accepts: isVerified },
  "webhook:sign": { kind: "transform", accepts: isHeaders },
  "webhook:received": { kind: "observe" },
  "company:erased": { kind: "observe" },
  "company:imported": { kind: "observe" },
  "message:diagnose": { kind: "collect", accepts: isFinding },
  "health:check": { kind: "collect", accepts: isHealthItem },
  "app:ready": { kind: "observe" },
  "app:closing": { kind: "observe" },
  "plugin:fault": { kind: "observe" },
} as const satisfies { readonly [N in keyof CoreHookMap]: HookRule<CoreHookMap[N]["kind"]> }
