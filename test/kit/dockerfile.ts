/** What is read of a Dockerfile: the instructions that ours has, in the forms in which it has them. */

export interface Instruction {
  readonly name: string
  readonly text: string
}

export interface StageText {
  readonly name: string | undefined
  readonly image: string
  readonly instructions: readonly Instruction[]
}

const KNOWN = new Set([
  "FROM",
  "WORKDIR",
  "COPY",
  "RUN",
  "ENV",
  "VOLUME",
  "EXPOSE",
  "USER",
  "HEALTHCHECK",
  "STOPSIGNAL",
  "CMD",
])

/** Throws on an instruction that is not known here, so that none is passed over. */
export function parseDockerfile(text: string): readonly StageText[] {
  const stages: { name: string | undefined; image: string; instructions: Instruction[] }[] = []
  const joined = text.replaceAll(/^\s*#.*\n/gm, "").replaceAll(/\s*\\\n\s*/g, " ")
  for (const line of joined.split("\n").filter((line) => line.trim() !== "")) {
    const [, name = "", rest = ""] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    if (!KNOWN.has(name)) throw new Error(`This line is not understood: ${line}`)
    if (name === "FROM") {
      const [image = "", , stage] = rest.split(/\s+/)
      stages.push({ name: stage, image, instructions: [] })
    } else if (stages.length === 0) throw new Error(`${name} stands before the first FROM`)
    else stages.at(-1)?.instructions.push({ name, text: rest })
  }
  return stages
}

/** A list such as `["node", "server.js"]`. The other form would put a shell between Docker and the program. */
export function listForm(text: string): readonly string[] {
  const list: unknown = JSON.parse(text)
  if (!Array.isArray(list) || !list.every((word) => typeof word === "string")) throw new Error(`Not a list: ${text}`)
  return list
}

/** Which files of the context a `.dockerignore` lets through; a pattern is `*`, or a path whole. The last that fits decides. */
export function included(ignore: string, files: readonly string[]): readonly string[] {
  const rules = ignore
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => ({ keeps: line.startsWith("!"), path: line.replace(/^!/, "") }))
  const odd = rules.find(({ path }) => path !== "*" && /[*?[]/.test(path))
  if (odd) throw new Error(`This pattern is not understood: ${odd.path}`)
  const fits = (path: string, file: string): boolean => path === "*" || file === path || file.startsWith(`${path}/`)
  return files.filter((file) => rules.findLast(({ path }) => fits(path, file))?.keeps ?? true)
}
