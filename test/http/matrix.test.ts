import { afterAll, describe, expect, it } from "vitest"
import { definePlugin } from "../../core/plugin.ts"
import { startMatrixHouse } from "./matrix-house.ts"
import { type Ask, createRig, documented, type Probe, probe, routesOf } from "./matrix-rig.ts"
import { type Caller, callers, namedInBody, needs, ruling } from "./matrix-table.ts"

const rig = await createRig()
afterAll(() => rig.stop())

const everyCaller = Object.keys(callers) as Caller[]
const useless = everyCaller.filter((caller) => callers[caller].length === 0)
const ofCompanies = everyCaller.filter((caller) => callers[caller].length > 0 && !isOperator(caller))
const protectedRoutes = rig.routes.filter((route) => needs.get(route) !== "nobody")
const ONE_DIGEST = ["sha256", "equal", "equal"]
let cells = 0

function isOperator(caller: Caller): boolean {
  return (callers[caller] as readonly string[]).includes("operator")
}

/** What the table says of an answer. */
function judged({ status, code }: Probe): string {
  return code === "UNAUTHORIZED" || code === "FORBIDDEN" ? `${status} ${code}` : "open"
}

/** Whether a route has a place for a company that is not its query. */
const namesCompany = (route: string): boolean => route.includes("{companyId}") || namedInBody.has(route)

describe("The table of who may call what", () => {
  it("has every route of the house, and the house has every route of the table", () => {
    expect(rig.routes.filter((route) => !needs.has(route))).toEqual([])
    expect([...needs.keys()].filter((route) => !rig.routes.includes(route))).toEqual([])
  })

  it("would miss a route that a plugin adds to it", async () => {
    const extra = definePlugin({
      name: "extra",
      description: "One route more",
      setup: ({ route }) =>
        route({
          spec: {
            method: "get",
            path: "/extra",
            scope: "read",
            company: "none",
            summary: "",
            tag: "",
            responses: {},
          },
          handle: () => ({}),
        }),
    })
    const house = await startMatrixHouse({ plugins: [extra] })
    expect(routesOf(house).filter((route) => !needs.has(route))).toEqual(["GET /extra"])
    await house.stop()
  })

  it("is what the OpenAPI document says, which lists every route that is built", async () => {
    const operations = await documented(rig.guarded)
    const built = rig.guarded.app.routes().filter(({ route: { spec } }) => spec.documented !== false)
    expect([...operations.keys()].sort()).toEqual(
      built.map(({ route: { spec } }) => `${spec.method.toUpperCase()} ${spec.path}`).sort(),
    )
    for (const [route, { keys, text }] of operations) {
      const need = needs.get(route)
      expect([route, keys]).toEqual([route, need === "nobody" ? [] : [{ apiKey: [] }, { bearer: [] }]])
      if (need !== "nobody") expect([route, text]).toEqual([route, expect.stringContaining(`\`${need}\``)])
    }
  })
})

describe.each(rig.routes)("%s", (route) => {
  const need = needs.get(route) ?? "operator"

  it("is open to whom the table says, and to nobody else, for its own company and any other", async () => {
    const before = await rig.guarded.digestOf(rig.foreign)
    for (const caller of everyCaller) {
      for (const other of [undefined, "existing", "absent"] as const) {
        if (other === "existing" && isOperator(caller)) continue
        const admitted = await rig.admit(caller)
        const named = other === "existing" ? rig.foreign : other === "absent" ? `absent-${cells}` : admitted.company
        const query = other === undefined || namesCompany(route) ? [] : [named]
        const answer = await probe(admitted, route, { company: named, query })
        cells++
        const expected = ruling(caller, need, other === undefined)
        expect({ caller, other, answer: judged(answer) }).toEqual({ caller, other, answer: expected })
        expect([caller, answer.status, answer.code]).not.toEqual([caller, 500, expect.anything()])
        if (need === "nobody") continue
        const keyed = caller !== "no key" && caller !== "this machine without a key" && caller !== "the admin key"
        if (keyed && expected !== "open")
          expect([caller, other, answer.work.digests]).toEqual([caller, other, ONE_DIGEST])
      }
    }
    expect(await rig.guarded.digestOf(rig.foreign)).toBe(before)
  })

  it("tells a foreign company that exists from one that does not by nothing: not the answer, not the work", async () => {
    for (const caller of ofCompanies) {
      const admitted = await rig.admit(caller)
      // So that the key is in use, as it would be.
      await admitted.house.call("GET", "/api/whatsapp/health", admitted.init())
      const asked = async (company: string, own: boolean) => {
        const ask = own || !namesCompany(route) ? { company: admitted.company, query: [company] } : { company }
        const { shown, work } = await probe(admitted, route, ask)
        return { shown, work }
      }
      for (const own of [false, true]) expect(await asked(rig.foreign, own)).toEqual(await asked("absent", own))
    }
  })
})

describe.each(protectedRoutes)("%s, with a key that may do everything in its own company,", (route) => {
  it("refuses a foreign company wherever the call names it", async () => {
    const before = await rig.guarded.digestOf(rig.foreign)
    const admitted = await rig.admit("a key to administrate")
    const { company } = admitted
    const takesBody = !route.startsWith("GET ")
    const asks: Ask[] = [
      { company, query: [rig.foreign] },
      { company, query: [company, rig.foreign] },
      { company, query: [rig.foreign, company] },
      ...(takesBody ? [{ company, body: { companyId: rig.foreign } }] : []),
      ...(takesBody ? [{ company, body: { companyId: [company] } }] : []),
      ...(route.includes("{companyId}")
        ? [{ company: rig.foreign, query: [company], body: { companyId: company } }]
        : []),
    ]
    for (const ask of asks) {
      const { body, ...bare }: Ask = ask
      const answer = await probe(admitted, route, takesBody ? ask : bare)
      // In a body that is where the company stands, a list is no company at all.
      const invalid = namedInBody.has(route) && Array.isArray(body?.companyId)
      expect([ask, answer.status]).toEqual([ask, invalid ? 400 : 403])
    }
    expect(await rig.guarded.digestOf(rig.foreign)).toBe(before)
  })
})

/** Names of what stands in a path beside the company. */
const othersIn = (route: string): string[] =>
  [...route.matchAll(/\{(\w+)\}/g)].map(([, name = ""]) => name).filter((name) => name !== "companyId")

describe("An object of another company", () => {
  it.each(protectedRoutes.filter((route) => othersIn(route).length > 0))(
    "is to %s as if it had never been",
    async (route) => {
      const before = await rig.guarded.digestOf(rig.foreign)
      const admitted = await rig.admit("a key to administrate")
      const { company } = admitted
      const ids = (change: (id: string) => string) =>
        Object.fromEntries(othersIn(route).map((name) => [name, change(rig.foreignIds[name] ?? "")]))
      const theirs = await probe(admitted, route, { company, ids: ids((id) => id) })
      const nobodys = await probe(admitted, route, { company, ids: ids(neighbour) })
      expect(theirs.shown).toEqual(nobodys.shown)
      expect([404, 501]).toContain(theirs.status)
      expect(await rig.guarded.digestOf(rig.foreign)).toBe(before)
    },
  )
})

describe("What is asked without its body", () => {
  it.each(rig.routes.filter((route) => route.startsWith("GET ")))("%s is judged as the whole is", async (route) => {
    for (const caller of [...useless, "a key to send"] as const) {
      const admitted = await rig.admit(caller)
      const whole = await probe(admitted, route, { company: rig.foreign })
      const head = await probe(admitted, route.replace("GET", "HEAD"), { company: rig.foreign })
      expect([caller, head.status]).toEqual([caller, whole.status])
    }
  })
})

describe("The matrix", () => {
  it("has gone through every route with every caller", () => {
    const perRoute = everyCaller.length * 3 - everyCaller.filter(isOperator).length
    expect(cells).toBe(rig.routes.length * perRoute)
  })
})

/** An id of the same form that is nobody's. */
function neighbour(id: string): string {
  return id.replace(/.$/, (last) => (last === "7" ? "8" : "7"))
}
