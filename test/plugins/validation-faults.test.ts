import { describe, expect, it } from "vitest"
import { startWhole } from "../http/whole.ts"

const to = { companyId: "acme", phone: "79001234567" }

async function answerTo(path: string, body: unknown) {
  const whole = await startWhole()
  const { status, json } = await whole.call("POST", `/api/whatsapp${path}`, body)
  await whole.stop()
  const details = (json.error.details ?? []) as unknown as { path: string; code: string }[]
  return {
    status,
    code: json.error.code as unknown as string,
    faults: details.map(({ path: at, code }) => `${at} ${code}`),
  }
}

describe("What core and the plugin find wrong", () => {
  it("is named at once, each with its path", async () => {
    const options = ["Yes", 7, "\u0000"]
    const poll = { ...to, phone: "+999 123456789", type: "poll", name: "\u0000", options, ttl: 0 }
    const { status, code, faults } = await answerTo("/send", poll)
    expect([status, code, faults.sort()]).toEqual([
      400,
      "VALIDATION_ERROR",
      ["name", "options[1]", "options[2]", "phone", "ttl"].map((path) =>
        path === "phone" ? "phone INVALID_PHONE" : `${path} VALIDATION_ERROR`,
      ),
    ])
  })

  it("stands where the caller wrote it", async () => {
    const image = { companyId: "acme", to: "+999 123456789", type: "image" }
    const inside = { ...image, to: "+79001234567", media: { url: "http://169.254.169.254/latest" } }
    expect((await answerTo("/send", { ...image, media: { url: "https://files.example/a" } })).faults).toEqual([
      "to INVALID_PHONE",
    ])
    expect(await answerTo("/send", inside)).toMatchObject({
      code: "INVALID_MEDIA_URL",
      faults: ["media.url INVALID_MEDIA_URL"],
    })
    const short = { ...to, type: "image", mediaUrl: "http://[::1]/a" }
    expect(await answerTo("/send-media", short)).toMatchObject({ faults: ["mediaUrl INVALID_MEDIA_URL"] })
    expect((await answerTo("/send-media", { ...short, mediaUrl: "https://files.example/a" })).status).toBe(501)
  })
})
