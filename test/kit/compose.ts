import { parse } from "yaml"
import { read } from "../house/source.ts"

/** The parts of the compose file that tests look at. */
export interface Compose {
  readonly services: Readonly<Record<string, Service>>
  readonly secrets: Readonly<Record<string, { readonly file: string }>>
  readonly volumes: Readonly<Record<string, unknown>>
}

export interface Service {
  readonly image: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly secrets?: readonly string[]
  readonly volumes?: readonly string[]
  readonly ports?: readonly string[]
  readonly stop_grace_period?: string
  readonly depends_on?: unknown
}

export const COMPOSE_FOLDER = "config/docker"

/** Throws on anything that is not YAML, or says the same twice. */
export function readCompose(): Compose {
  return parse(read(`${COMPOSE_FOLDER}/compose.yaml`), { strict: true, uniqueKeys: true }) as Compose
}

export function serviceOf({ services }: Compose, name: string): Service {
  const service = services[name]
  if (service === undefined) throw new Error(`The compose file has no service ${name}`)
  return service
}
