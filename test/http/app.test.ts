import { describe, expect, it } from "vitest"
import { createHouse } from "./harness.ts"

describe("an answer", () => {
  it("is the handler's object, as JSON, with the request's id and no caching", async () => {
    const house = createHouse()
    const answer = await house.call("POST", "/api/whatsapp/send", {
      companyId: "a",
      phone: "79001234567",
      message: "Hi",
    })
    expect(answer.json).toEqual({ success: true, data: { company: "a", length: 2 } })
    expect(answer.status).toBe(200)
    expect(answer.headers.get("cache-control")).toBe("no-store")
  })
  it("of initialize needs neither a body nor a content type", async () => {
    const house = createHouse()
    const answer = await house.call("POST", "/api/whatsapp/sessions/salon-1/initialize")
    expect(answer.json).toEqual({ success: true, data: { company: "salon-1", body: {} } })
  })
})
