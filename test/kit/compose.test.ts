import { existsSync } from "node:fs"
import { join, posix } from "node:path"
import { expect, it } from "vitest"
import { parse } from "yaml"
import standard from "../../config/switchboard.config.ts"
import { listOwners, listVariables } from "../../core/settings/owners.ts"
import { listFiles, read, root } from "../house/source.ts"
import { COMPOSE_FOLDER, readCompose, serviceOf } from "./compose.ts"

const compose = readCompose()
const services = Object.entries(compose.services)
const switchboard = serviceOf(compose, "switchboard")

/** `[source, target]` of what a service mounts. */
const mounts = (name: string): [string, string][] =>
  (serviceOf(compose, name).volumes ?? []).map((volume) => volume.split(":").slice(0, 2) as [string, string])

it("every variable of the server is one that it knows", () => {
  const plugins = standard.plugins.filter((plugin) => typeof plugin !== "string")
  const { variables } = listVariables(listOwners({ config: standard, plugins, provider: "baileys" }))
  const known = new Set(
    [...variables.values()].flatMap(({ name, secret }) => (secret ? [name, `${name}_FILE`] : [name])),
  )
  const used = Object.keys(switchboard.environment ?? {})
  expect(used.filter((name) => !known.has(name))).toEqual([])
  expect(used).toContain("WHATSAPP_API_KEY_FILE")
})

it("every secret is a file that is mounted, and none stands in the environment", () => {
  for (const [name, { environment = {}, secrets = [] }] of services) {
    for (const secret of secrets) expect(compose.secrets, `${name} ${secret}`).toHaveProperty([secret])
    for (const [variable, value] of Object.entries(environment)) {
      if (/(KEY|SECRET|PASSWORD)/.test(variable)) expect(variable).toMatch(/_FILE$/)
      if (variable.endsWith("_FILE")) expect(secrets.map((secret) => `/run/secrets/${secret}`)).toContain(value)
    }
  }
  const ignored = read(".gitignore").split("\n")
  for (const { file } of Object.values(compose.secrets)) expect(ignored).toContain(`${posix.dirname(file).slice(2)}/`)
})

it("everything that is mounted is there: a file of the repository, or a volume that is declared", () => {
  const files = listFiles()
  for (const [name] of services) {
    for (const [source] of mounts(name)) {
      if (source.startsWith(".")) expect(files).toContain(posix.join(COMPOSE_FOLDER, source))
      else expect(compose.volumes).toHaveProperty([source])
    }
  }
})

it("the image is built from the Dockerfile, with the whole repository as its context", () => {
  const { context = "", dockerfile = "" } = switchboard.build ?? {}
  expect(join(root, COMPOSE_FOLDER, context)).toBe(root)
  expect(existsSync(join(root, dockerfile))).toBe(true)
})

it("what the server writes is on a volume that outlives the container", () => {
  const [[, target]] = mounts("switchboard") as [[string, string]]
  for (const variable of ["WHATSAPP_SESSIONS_PATH", "WHATSAPP_LOG_PATH"])
    expect(switchboard.environment?.[variable]).toMatch(new RegExp(`^${target}/`))
})

it("nothing is published beyond this machine", () => {
  const ports = services.flatMap(([, { ports = [] }]) => ports)
  expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([])
  expect(switchboard.ports).toContain(`127.0.0.1:3000:${switchboard.environment?.PORT}`)
})

it("the server is given longer to end than the 10 s that it takes at most", () => {
  expect(Number.parseInt(switchboard.stop_grace_period ?? "", 10)).toBeGreaterThan(10)
})

it("every image says which version of it", () => {
  for (const [name, { image, build }] of services) if (build === undefined) expect(image, name).toMatch(/:v?\d+\.\d+/)
})

it("Prometheus scrapes the server with the key that it is given, and reads the rules that are mounted", () => {
  const { scrape_configs, rule_files } = parse(read("config/prometheus/prometheus.yml")) as {
    scrape_configs: [{ authorization: { credentials_file: string }; static_configs: [{ targets: string[] }] }]
    rule_files: string[]
  }
  const [job] = scrape_configs
  expect(job.static_configs[0].targets).toEqual([`switchboard:${switchboard.environment?.PORT}`])
  expect(serviceOf(compose, "prometheus").secrets).toContain(posix.basename(job.authorization.credentials_file))
  expect(mounts("prometheus").map(([, target]) => target)).toEqual(expect.arrayContaining(rule_files))
})

it("Grafana finds its data source and the dashboard", () => {
  const { datasources } = parse(read("config/grafana/datasources.yml")) as { datasources: [{ url: string }] }
  const { hostname, port } = new URL(datasources[0].url)
  expect(compose.services).toHaveProperty([hostname])
  expect(serviceOf(compose, hostname).ports).toContain(`127.0.0.1:${port}:${port}`)
  const { providers } = parse(read("config/grafana/dashboards.yml")) as { providers: [{ options: { path: string } }] }
  const folders = mounts("grafana").map(([, target]) => posix.dirname(target))
  expect(folders).toContain(providers[0].options.path)
})
