import { describe, expect, it } from "vitest"
import { openHouse } from "./house.ts"

describe("a send on a connected line", () => {
  it("is answered 200 once WhatsApp has acknowledged it, under the id that travelled", async () => {
    const house = openHouse()
    await house.connect("acme")
    const answer = await house.send("acme", { phone: "+7 900 123-45-67", message: "Good morning" })
    expect(answer.status).toBe(200)
    expect(answer.data).toMatchObject({ companyId: "acme", to: "79001234567", status: "sent" })
    const [wire] = house.provider.line("acme").sent
    expect(wire?.id).toBe(answer.data.messageId)
    expect(wire?.id).toMatch(/^3EB0[0-9A-F]{18}$/)
    expect(new TextDecoder().decode(wire?.wire)).toBe("Good morning")
  })
})
