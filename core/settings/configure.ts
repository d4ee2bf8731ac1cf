import type { Config } from "../config.ts"
import { isEmpty, rawValue, readSecret, type Sources } from "./environment.ts"
import { toError } from "../errors.ts"
import { settingsInForce, type SettingInForce } from "./in-force.ts"
import { listOwners, listVariables, type Owner, type Variable } from "./owners.ts"
import type { Plugin, SettingProblem, Surroundings } from "../plugin.ts"
import { houseRules, isLoopback, notBuilt, unknownNames } from "./setting-rules.ts"
import { type CoreSettings, coreSettings } from "../settings.ts"
import { type StoreSpec, storeSpecs } from "./store-specs.ts"
import type { System } from "../system.ts"

export interface ConfigureInput {
  readonly config: Config
  /** The plugins in use. */
  readonly plugins: readonly Plugin[]
  readonly sources: Sources
  readonly system: Pick<System, "readText">
}

export interface Configured {
  readonly core: CoreSettings
  /** The stores that can be used, by name. */
  readonly stores: ReadonlyMap<string, StoreSpec>
  /** Settings of an owner by its label, such as `plugin api-keys`; an owner without settings has an empty object. */
  settingsOf(label: string): Readonly<Record<string, unknown>>
  readonly inForce: readonly SettingInForce[]
  /** Not empty: the start stops, and these are all there is to mend. None holds a secret. */
  readonly problems: readonly string[]
  readonly warnings: readonly string[]
}

type Values = Readonly<Record<string, unknown>>

/** Reads and checks every setting of every owner, together, so that one start tells all that is wrong. */
export async function configure({ config, plugins, sources, system }: ConfigureInput): Promise<Configured> {
  const provider = rawValue(sources, "WHATSAPP_PROVIDER") ?? coreSettings.parse({}).provider
  const owners = listOwners({ config, plugins, provider: String(provider) })
  const { variables, problems: doubles } = listVariables(owners)
  const found: SettingProblem[] = [...doubles, ...unknownNames(sources, variables)]

  const values = new Map<string, Values>()
  for (const owner of owners) {
    if (!owner.active) continue
    const own = [...variables.values()].filter((variable) => variable.owner === owner)
    const read = await readOwner(owner, own, sources, system)
    found.push(...read.problems)
    if (read.values !== undefined) values.set(owner.label, read.values)
  }

  const core = (values.get("core") ?? coreSettings.parse({})) as CoreSettings
  found.push(...houseRules(core, config, plugins))
  const stores = storeSpecs(config, core.stores, core.storage, ({ name }) => values.get(`store ${name}`) ?? {})
  found.push(...stores.problems)
  const around: Surroundings = { host: core.host, loopback: isLoopback(core.host), multiTenant: core.multiTenant }
  for (const owner of owners) {
    const own = values.get(owner.label)
    if (owner.active && own !== undefined) found.push(...judge(owner, own, around))
  }

  const say = ({ variable, message }: SettingProblem): string => `${variable}: ${message}`
  return {
    core,
    stores: stores.specs,
    settingsOf: (label) => values.get(label) ?? {},
    inForce: settingsInForce(variables.values(), sources, (label) => values.get(label)),
    problems: found.filter(({ severity }) => severity !== "warning").map(say),
    warnings: found.filter(({ severity }) => severity === "warning").map(say),
  }
}

interface Read {
  /** What could be read; settings at fault have their defaults in it, so that the rules beyond can still be judged. */
  readonly values?: Values
  readonly problems: readonly SettingProblem[]
}

async function readOwner(
  owner: Owner,
  own: readonly Variable[],
  sources: Sources,
  system: Pick<System, "readText">,
): Promise<Read> {
  const problems: SettingProblem[] = []
  const given: Record<string, string | number | boolean> = {}
  const broken = new Set<string>()
  for (const variable of own) {
    const { name, key } = variable
    if (variable.refuseEmpty && isEmpty(sources, name)) problems.push({ variable: name, message: "must not be empty" })
    const read = variable.secret ? await readSecret(sources, name, system) : { value: rawValue(sources, name) }
    if ("problem" in read && read.problem !== undefined) {
      problems.push(read.problem)
      broken.add(key)
    }
    if (read.value !== undefined) given[key] = read.value
  }

  const sound = { ...given }
  for (const issue of owner.config.safeParse(given).error?.issues ?? []) {
    const key = String(issue.path[0] ?? "")
    const variable = own.find((candidate) => candidate.key === key)
    // A secret whose file could not be read has been reported by the file's variable.
    if (!broken.has(key)) problems.push(describe(owner, key, variable, given[key], issue.message))
    delete sound[key]
  }
  const result = owner.config.safeParse(sound)
  if (!result.success) return { problems }
  const values = result.data as Values
  return { values, problems: [...problems, ...notBuilt(owner, own, sound, values)] }
}

/**
 * One line that says what is accepted. The value itself stays out of it, since it may be a secret put in the wrong place;
 * a few letters that the sentence has by chance tell nothing.
 */
function describe(
  owner: Owner,
  key: string,
  variable: Variable | undefined,
  value: unknown,
  issue: string,
): SettingProblem {
  const name = variable?.name ?? `${owner.label} ${key}`.trim()
  if (value === undefined) return { variable: name, message: `is needed (${issue})` }
  const telling = variable?.secret === true ? 4 : 12
  const leaks = typeof value === "string" && value.length >= telling && issue.includes(value)
  return { variable: name, message: leaks ? "is not accepted" : issue }
}

function judge(owner: Owner, values: Values, around: Surroundings): readonly SettingProblem[] {
  try {
    return owner.check?.(values, around) ?? []
  } catch (thrown) {
    return [{ variable: owner.label, message: `its check of the settings failed (${toError(thrown).name})` }]
  }
}
