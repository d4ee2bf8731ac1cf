import { coreErrors } from "../errors.ts"
import { hookTable } from "./hook-table.ts"
import { metricFaults } from "./metric-shape.ts"
import type { Plugin } from "../plugin.ts"

type Fields = Readonly<Record<string, unknown>>

const isObject = (value: unknown): value is Fields => typeof value === "object" && value !== null
const isText = (value: unknown): value is string => typeof value === "string" && value !== ""
const isTexts = (value: unknown): boolean => Array.isArray(value) && value.every(isText)
const KINDS = new Set(["guard", "first", "transform", "collect", "observe"])

/** Settings schemas made with another copy of the library are recognised by what is called on them. */
const isSettings = (value: unknown): value is Fields & { readonly shape: Fields } =>
  isObject(value) && isObject(value.shape) && typeof value.safeParse === "function"

/**
 * What keeps a loaded value from being a plugin, one line each, all of them; none when it is one. Plugins written in
 * JavaScript have had no compiler to tell them.
 */
export function pluginFaults(value: unknown): string[] {
  if (!isObject(value)) return ["its default export is not a plugin; export default definePlugin({ … })"]
  const faults: string[] = []
  const expect = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(fault)
  }
  expect(
    isText(value.name) && /^[a-z0-9@][a-z0-9@/._-]*$/.test(value.name),
    "name must be lower-case letters, digits and -",
  )
  expect(isText(value.description), "description must be a sentence")
  expect(typeof value.setup === "function", "setup must be a function")
  expect(value.check === undefined || typeof value.check === "function", "check must be a function")
  expect(value.config === undefined || isSettings(value.config), "config must be a z.object")
  for (const key of ["provides", "needs", "wants", "after"] as const) {
    expect(value[key] === undefined || isTexts(value[key]), `${key} must be a list of names`)
  }
  faults.push(...envFaults(value), ...errorFaults(value), ...hookFaults(value), ...metricFaults(value))
  return faults
}

function envFaults({ env, config }: Fields): string[] {
  if (env === undefined) return []
  if (!isObject(env)) return ["env must map variable names to keys of config"]
  const keys = isSettings(config) ? config.shape : {}
  return Object.entries(env).flatMap(([variable, binding]) => {
    const key = isObject(binding) ? binding.key : binding
    if (!/^[A-Z][A-Z0-9_]*$/.test(variable)) return [`env: ${variable} must be upper case`]
    return isText(key) && Object.hasOwn(keys, key) ? [] : [`env: ${variable} names no key of config`]
  })
}

function errorFaults({ errors }: Fields): string[] {
  if (errors === undefined) return []
  if (!isObject(errors)) return ["errors must map codes to { status, message }"]
  return Object.entries(errors).flatMap(([code, spec]) => {
    if (Object.hasOwn(coreErrors, code)) return [`errors: ${code} belongs to the house`]
    if (!/^[A-Z][A-Z0-9_]*$/.test(code)) return [`errors: ${code} must be upper case`]
    const status = isObject(spec) ? spec.status : undefined
    const sound = isObject(spec) && isText(spec.message) && typeof status === "number" && status >= 400 && status < 600
    if (!sound) return [`errors: ${code} needs a status from 400 to 599 and a message`]
    const { stage } = spec
    const known = stage === undefined || (isText(stage) && Object.hasOwn(hookTable, stage))
    return known ? [] : [`errors: ${code} names a stage that is none of the house's`]
  })
}

function hookFaults({ hooks }: Fields): string[] {
  if (hooks === undefined) return []
  if (!isObject(hooks)) return ["hooks must map names to kinds"]
  return Object.entries(hooks).flatMap(([name, kind]) =>
    KINDS.has(kind as string) ? [] : [`hooks: ${name} must be one of ${[...KINDS].join(", ")}`],
  )
}

/** True when `pluginFaults` finds nothing. */
export function isPlugin(value: unknown): value is Plugin {
  return pluginFaults(value).length === 0
}
