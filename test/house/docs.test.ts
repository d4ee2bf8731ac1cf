import { describe, expect, it } from "vitest"
import { generate, outdated, untold } from "../../config/docs.ts"
import { coreErrors } from "../../core/errors.ts"
import { coreEnv } from "../../core/settings.ts"

describe("generated documentation", () => {
  it("is what the code says; otherwise run: npx tsx config/docs.ts", async () => {
    expect(await outdated()).toEqual([])
  })

  it("of each plugin names its settings, company settings, errors, metrics, hooks, services and routes", async () => {
    expect(await untold()).toEqual([])
  })

  it("names every setting, every error and every route", async () => {
    const { "README.md": readme = "", ".env.example": example = "" } = await generate()
    for (const variable of Object.keys(coreEnv)) {
      expect(readme).toContain(`\`${variable}\``)
      expect(example).toContain(`# ${variable}=`)
    }
    for (const code of Object.keys(coreErrors)) expect(readme).toContain(`\`${code}\``)
    expect(readme).toContain("/api/whatsapp/send")
  })

  it("says what each setting means", async () => {
    const { ".env.example": example = "" } = await generate()
    expect(example).not.toMatch(/^# $/m)
  })
})
