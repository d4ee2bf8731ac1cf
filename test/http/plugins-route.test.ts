import { describe, expect, it } from "vitest"
import { startWhole } from "./whole.ts"

describe("GET /plugins", () => {
  it("tells the operator what the server is made of, in running order", async () => {
    const whole = await startWhole()
    try {
      const { status, json } = await whole.call("GET", "/api/whatsapp/plugins")
      const plugins = json.data as unknown as { name: string }[]
      expect(status).toBe(200)
      expect(plugins.map(({ name }) => name).indexOf("api-keys")).toBe(0)
      expect(plugins.find(({ name }) => name === "webhook-signature")).toMatchObject({
        hooks: expect.arrayContaining(["webhook:verify"]) as string[],
        routes: expect.arrayContaining(["POST /api/whatsapp/companies/{companyId}/webhook-secret"]) as string[],
      })
    } finally {
      await whole.stop()
    }
  })
})
