import { toError } from "../errors.ts"
import type { SettingProblem } from "../plugin.ts"
import type { System } from "../system.ts"

/** Where settings come from, strongest first. */
export interface Sources {
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly envFile: Readonly<Record<string, string>>
  readonly configFile: Readonly<Record<string, string | number | boolean>>
}

export const ENV_FILE = ".env" as const

/** Reads the process environment and `.env`. `problems` says when the file is there and cannot be read. */
export async function readEnvironment(
  system: Pick<System, "env" | "readEnvFile">,
): Promise<Omit<Sources, "configFile"> & { readonly problems: readonly string[] }> {
  const environment = system.env()
  try {
    return { environment, envFile: (await system.readEnvFile(ENV_FILE)) ?? {}, problems: [] }
  } catch (thrown) {
    return { environment, envFile: {}, problems: [`${ENV_FILE}: cannot be read (${toError(thrown).message})`] }
  }
}

/** What a variable says, or undefined. An empty text is the same as none, so that what is weaker shows through. */
export function rawValue(sources: Sources, variable: string): string | number | boolean | undefined {
  for (const source of [sources.environment, sources.envFile, sources.configFile]) {
    const value = source[variable]
    if (value !== undefined && value !== "") return value
  }
  return undefined
}

/** True when some source gives the variable an empty text and none gives it another. */
export function isEmpty(sources: Sources, variable: string): boolean {
  const given = [sources.environment[variable], sources.envFile[variable], sources.configFile[variable]]
  return given.includes("") && rawValue(sources, variable) === undefined
}

export interface Secret {
  readonly value?: string | number | boolean
  /** Never contains the value, nor the path: people put the secret itself there by mistake. */
  readonly problem?: SettingProblem
}

/** A secret from its variable or from the file that `<VARIABLE>_FILE` names; a newline at the file's end is not part of it. */
export async function readSecret(
  sources: Sources,
  variable: string,
  system: Pick<System, "readText">,
): Promise<Secret> {
  const value = rawValue(sources, variable)
  const file = fileVariable(variable)
  const path = rawValue(sources, file)
  if (path === undefined) return value === undefined ? {} : { value }
  const problem = (message: string): Secret => ({ problem: { variable: file, message } })
  if (value !== undefined) return problem(`${variable} is set as well; give one of the two`)
  // Whatever keeps the file from being read, its error names the path.
  const text = await system.readText(String(path)).catch(() => undefined)
  if (text === undefined) return problem("expected the path of a file that can be read")
  const secret = text.replace(/[\r\n]+$/, "")
  return secret === "" ? problem("the file is empty") : { value: secret }
}

export const fileVariable = (variable: string): string => `${variable}_FILE`
