import { describe, expect, it } from "vitest"
import { faultsOf, logCalls } from "./log-calls.ts"
import { listFiles, read } from "./source.ts"

const files = listFiles().filter((file) => /^(core|plugins|adapters)\/.*\.ts$/.test(file) && !file.endsWith(".d.ts"))

/** Sentences that are no constants where they are logged, and why they may stand there. */
const OTHERS: ReadonlySet<string> = new Set([
  // Filtered by the log itself; the settings write them, without values.
  "core/app.ts sentence warning",
  // Likewise, of what a server keeps less than its store promises; adapters write them.
  "core/stores.ts sentence warning",
  // Constants of whoever makes a reach.
  "plugins/rate-limit/reach.ts sentence words.back",
  "plugins/rate-limit/reach.ts sentence words.lost",
  // Sentences of the library, with whatever could be a number or a key blanked.
  "adapters/provider/baileys/library-log.ts field ...",
  "adapters/provider/baileys/library-log.ts sentence message",
  'adapters/provider/baileys/library-console.ts sentence typeof sentence === "string" ? blank(sentence) : "(no sentence)"',
])

/** Fields that core and adapters spread have the type of the list; plugins may have any, so that theirs are written out. */
const mayAdd = (file: string): boolean => !file.startsWith("plugins/")

describe("Lines of the log", () => {
  const all = files.flatMap((file) => logCalls(read(file)).map((call) => ({ file, call })))

  it("have fields of the list alone, and sentences that are the same each time", () => {
    const found = all.flatMap(({ file, call }) =>
      faultsOf(call, mayAdd(file))
        .filter((fault) => !OTHERS.has(`${file} ${fault}`))
        .map((fault) => `${file}:${call.line} ${fault}`),
    )
    expect(found).toEqual([])
    // As many as there are: nobody logs in a way that is not seen here.
    expect(all.length).toBeGreaterThan(100)
  })

  it("are written with a logger that is called so, and by nothing else", () => {
    const found = files.flatMap((file) =>
      [...read(file).matchAll(/(\w+)\??\.(?:debug|info|warn|fatal)\(/g)]
        .filter(([, name = ""]) => !/^(?:\w*[lL]og|library|child|inner|sessions)$/.test(name))
        .map(([text]) => `${file} ${text}`),
    )
    expect(found).toEqual([])
  })

  it.each([
    ['log.info({ phone }, "Sent")', ["field phone"]],
    ['log.warn({ company, text: message.text }, "Sent")', ["field text"]],
    ["log.info({}, `Sent to ${phone}`)", ["sentence `Sent to ${phone}`"]],
    ["log.error({ ...row }, WORDS)", ["field ..."]],
    ["deps.log.debug(row, WORDS)", ["field ..."]],
    ["log?.warn({}, words)", ["sentence words"]],
    ['log.child({ jid: "a, b" })', ["field jid"]],
    ['const about = { company, phone }; log.info({ ...about, code }, "Sent")', ["field phone"]],
    ['const said = { a: "A", b: made() }; log.info({}, said[why])', ["sentence made()"]],
    ['log.info({ company, ...(phone !== null && { phone }) }, a ? "A, b" : made())', ["field phone", "sentence"]],
  ])("in %s a fault is found", (source, faults) => {
    const [call, ...more] = logCalls(`\n${source}\n`)
    expect(more).toEqual([])
    expect(call?.line).toBe(2)
    const found = call === undefined ? [] : faultsOf(call, false)
    expect(found).toHaveLength(faults.length)
    for (const [index, fault] of faults.entries()) expect(found[index]).toContain(fault)
  })

  it.each([
    'log.info({}, "It is, as (said)")',
    "log.warn({ company, error: toError(thrown).message }, WORDS)",
    'log.info({ company: companies.done, failed }, next === "done" ? "One" : "Two")',
    "log.debug({ requestId, state }, MOVED[row.status])",
    'log.child({ company }).error({ error }, "Failed")',
    'const about = { company, type: x }; log.info(about, "It lasts")',
    'const said = { a: "A, b", "b-c": "B" }; log.info({}, said[why])',
    '// log.info({ phone }, "no call")',
  ])("in %s there is none", (source) => {
    expect(logCalls(source).flatMap((call) => faultsOf(call, false))).toEqual([])
  })
})
