import { execFile } from "node:child_process"
import { cp, mkdir, readFile, symlink } from "node:fs/promises"
import { dirname, join, posix } from "node:path"
import { promisify } from "node:util"
import { listFiles, root } from "../house/source.ts"
import { included, listForm, parseDockerfile, type StageText } from "./dockerfile.ts"

/** What carrying out the Dockerfile's steps has left, without an engine: a folder that stands for the image's `/`. */
export interface Image {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly workdir: string
  readonly user: string
  readonly volumes: readonly string[]
  readonly stopSignal: string
  readonly healthcheck: readonly string[]
  readonly cmd: readonly string[]
  /** What `chown` was asked for: users of the image are not users here. */
  readonly chowned: readonly string[]
}

interface Stage {
  readonly folder: string
  workdir: string
  user: string
  stopSignal: string
  healthcheck: readonly string[]
  cmd: readonly string[]
  readonly env: Record<string, string>
  readonly volumes: string[]
  readonly chowned: string[]
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>
}

const run = promisify(execFile)
const DOCKERFILE = "config/docker/Dockerfile"

/** Carries out every stage in folders below `scratch`; the last one is the image. */
export async function buildImage(scratch: string): Promise<Image> {
  const texts = parseDockerfile(await readFile(join(root, DOCKERFILE), "utf8"))
  const context = included(await readFile(join(root, `${DOCKERFILE}.dockerignore`), "utf8"), listFiles())
  const stages = new Map<string, Promise<Stage>>()
  // All at once, as BuildKit does it: one waits for another where it copies from it.
  const built = texts.map((text, index) => {
    const stage = buildStage(text, { folder: join(scratch, String(index)), context, stages })
    if (text.name !== undefined) stages.set(text.name, stage)
    return stage
  })
  const last = (await Promise.all(built)).at(-1)
  if (last === undefined) throw new Error("The Dockerfile has no stage")
  return last
}

interface Site {
  readonly folder: string
  readonly context: readonly string[]
  readonly stages: ReadonlyMap<string, Promise<Stage>>
}

async function buildStage(text: StageText, site: Site): Promise<Stage> {
  const stage: Stage = {
    folder: site.folder,
    env: {},
    workdir: "/",
    user: "root",
    volumes: [],
    stopSignal: "SIGTERM",
    healthcheck: [],
    cmd: [],
    chowned: [],
  }
  for (const { name, text: rest } of text.instructions) {
    if (name === "WORKDIR") {
      stage.workdir = posix.resolve(stage.workdir, rest)
      await mkdir(join(stage.folder, stage.workdir), { recursive: true })
    }
    if (name === "COPY") await copy(rest, stage, site)
    if (name === "RUN") for (const command of rest.split(/\s*&&\s*/)) await runIn(stage, command)
    if (name === "ENV") {
      const [, variable = "", value = ""] = /^(\w+)=(\S+)$/.exec(rest) ?? []
      if (variable === "") throw new Error(`This is not understood: ENV ${rest}`)
      stage.env[variable] = value
    }
    if (name === "VOLUME") stage.volumes.push(rest)
    if (name === "USER") stage.user = rest
    if (name === "STOPSIGNAL") stage.stopSignal = rest
    if (name === "HEALTHCHECK") stage.healthcheck = listForm(rest.slice(rest.indexOf("CMD") + "CMD".length))
    if (name === "CMD") stage.cmd = listForm(rest)
  }
  return stage
}

/** Files of the context, or what another stage made. As Docker does, it takes the contents of a folder, and fails on nothing. */
async function copy(text: string, stage: Stage, { context, stages }: Site): Promise<void> {
  const words = text.split(/\s+/)
  const from = words[0]?.startsWith("--from=")
    ? await stages.get(words.shift()?.slice("--from=".length) ?? "")
    : undefined
  const target = words.pop() ?? ""
  if (words.some((word) => word.startsWith("--"))) throw new Error(`This is not understood: COPY ${text}`)
  if (words.length > 1 && !target.endsWith("/")) throw new Error(`COPY of several into what is no folder: ${text}`)
  const into = join(stage.folder, posix.resolve(stage.workdir, target))
  for (const source of words) {
    if (from) {
      await cp(join(from.folder, source), into, { recursive: true })
      continue
    }
    const found = context.filter((file) => file === source || file.startsWith(`${source}/`))
    if (found.length === 0) throw new Error(`COPY finds nothing at ${source}`)
    for (const file of found) {
      const below = file === source ? (target.endsWith("/") ? posix.basename(file) : "") : file.slice(source.length + 1)
      const to = join(into, below)
      await mkdir(dirname(to), { recursive: true })
      await cp(join(root, file), to)
    }
  }
}

/** Paths of the image stand for those below the stage's folder. */
async function runIn(stage: Stage, command: string): Promise<void> {
  const cwd = join(stage.folder, stage.workdir)
  if (/^npm ci\b/.test(command)) return install(cwd, command)
  // Its cache is nobody's here.
  if (/^npm cache clean\b/.test(command)) return
  if (/^chown\b/.test(command)) return void stage.chowned.push(command)
  const here = command.replaceAll(/(?<=\s)\/(?=\w)/g, `${stage.folder}/`)
  const { PATH, HOME } = process.env
  await run("sh", ["-c", here], { cwd, env: { PATH, HOME, ...stage.env } }).catch((thrown: { stdout?: string }) => {
    throw new Error(`RUN ${command} fails:\n${thrown.stdout ?? ""}`, { cause: thrown })
  })
}

/**
 * What `npm ci` would leave. npm itself judges the lock against package.json, offline and without installing; then each
 * package of the lock, or each that is not for development alone, is there as a link to the one of this checkout.
 */
async function install(cwd: string, command: string): Promise<void> {
  await run("npm", [...command.split(" ").slice(1), "--dry-run", "--offline"], { cwd })
  const { packages } = JSON.parse(await readFile(join(cwd, "package-lock.json"), "utf8")) as LockFile
  const modules = join(cwd, "node_modules")
  await mkdir(modules)
  for (const [place, { dev }] of Object.entries(packages)) {
    const [, name = "", nested] = place.split("node_modules/")
    if (name === "" || nested !== undefined || (command.includes("--omit=dev") && dev === true)) continue
    await mkdir(dirname(join(modules, name)), { recursive: true })
    // Optional packages for other machines are not there; a link to nothing is as good as none.
    await symlink(join(root, "node_modules", name), join(modules, name))
  }
  if (!command.includes("--omit=dev")) await symlink(join(root, "node_modules/.bin"), join(modules, ".bin"))
}
