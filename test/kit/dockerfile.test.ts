import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, it, test } from "vitest"
import { listFiles, read, root } from "../house/source.ts"
import { included, listForm, parseDockerfile } from "./dockerfile.ts"

it("a Dockerfile is read stage by stage; comments are left out and continued lines joined", () => {
  const text = '# one\nFROM node AS build\nRUN a && \\\n  b\n\nFROM node\n# two\nCMD ["x"]\n'
  expect(parseDockerfile(text)).toEqual([
    { name: "build", image: "node", instructions: [{ name: "RUN", text: "a && b" }] },
    { name: undefined, image: "node", instructions: [{ name: "CMD", text: '["x"]' }] },
  ])
})

test.each(["ADD a b", "from node", "RUN before the first stage"])("what is not understood is refused: %s", (line) => {
  expect(() => parseDockerfile(`${line}\nFROM node\n`)).toThrow()
})

it("a command in shell form is refused: SIGTERM would end at the shell", () => {
  expect(listForm('["node", "start.mjs"]')).toEqual(["node", "start.mjs"])
  expect(() => listForm("node start.mjs")).toThrow()
})

it("of the context there is what the last fitting pattern lets through", () => {
  const files = ["a/b", "a/secrets/key", "ab", "c"]
  expect(included("# all\n*\n!a\na/secrets\n", files)).toEqual(["a/b"])
  expect(included("c\n", files)).toEqual(["a/b", "a/secrets/key", "ab"])
  expect(() => included("*.ts\n", files)).toThrow("*.ts")
})

it("neither secrets nor settings nor state get into the image", () => {
  const own = ["core/app.ts", "config/docker/secrets/api-key", ".env", "sessions/company/acme", "logs/whatsapp.log"]
  expect(included(read("config/docker/Dockerfile.dockerignore"), own)).toEqual(["core/app.ts"])
})

it("the package holds the kit, and what `npm start` needs", async () => {
  const { stdout } = await promisify(execFile)("npm", ["pack", "--dry-run", "--ignore-scripts", "--json"], {
    cwd: root,
  })
  const [{ files }] = JSON.parse(stdout) as [{ files: { path: string }[] }]
  const packed = files.map(({ path }) => path)
  const kit = listFiles().filter((file) => /^config\/(\w+\/|.*\.mjs$)/.test(file))
  expect(kit.length).toBeGreaterThan(8)
  expect(packed).toEqual(expect.arrayContaining(kit))
})
