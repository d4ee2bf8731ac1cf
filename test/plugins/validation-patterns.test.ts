import { describe, expect, it } from "vitest"
import { isRefusal } from "../../core/refusal.ts"
import validation from "../../plugins/validation/index.ts"
import { compilePattern } from "../../plugins/validation/pattern.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const houseWith = (config: Record<string, unknown>): Promise<PluginHouse> =>
  createPluginHouse({ plugins: [[validation, config]] })

describe("A company id", () => {
  const allowed = async (config: Record<string, unknown>, company: string): Promise<boolean> =>
    !isRefusal(await (await houseWith(config)).hooks.guard("company:validate", { company }))

  it("must match the pattern, as a whole where the pattern says so", async () => {
    expect(await allowed({}, "company-123")).toBe(true)
    for (const id of ["a b", "a.b", "a\n", "é", "ａ", ""]) expect(await allowed({}, id)).toBe(false)
    expect(await allowed({ companyIdPattern: "^shop-\\d+$" }, "shop-1")).toBe(true)
    expect(await allowed({ companyIdPattern: "^shop-\\d+$" }, "shop-x")).toBe(false)
  })

  it("need not, when the check is off", async () => {
    for (const off of ["false", "0", "no", "off", false])
      expect(await allowed({ validateCompany: off }, "a b")).toBe(true)
  })
})

describe("A pattern", () => {
  it.each(["(?=a)b", "(a)\\1", "(?<=x)y", "[", "(", "a{1001}", "*"])(
    "that cannot be run in linear time stops the start: %s",
    (source) => {
      for (const key of ["companyIdPattern", "allowedPhonePattern"]) {
        const result = validation.config?.safeParse({ [key]: source })
        expect(result?.success).toBe(false)
        expect(result?.error?.issues[0]?.message).toContain("RE2 syntax")
      }
    },
  )

  it("that would hang another engine answers at once, and is never asked about more than 100 characters", () => {
    const matches = compilePattern("^(a+)+$")
    const begun = performance.now()
    expect(matches(`${"a".repeat(99)}!`)).toBe(false)
    expect(matches("a".repeat(100))).toBe(true)
    expect(matches("a".repeat(101))).toBe(false)
    expect(performance.now() - begun).toBeLessThan(100)
  })
})
