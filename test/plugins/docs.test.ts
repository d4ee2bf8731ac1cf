import { describe, expect, it } from "vitest"
import { listenNode } from "../../core/serve/listen-node.ts"
import docs from "../../plugins/docs/index.ts"
import { sampleRoutes } from "../http/harness.ts"
import { documentFaults, operationsOf } from "../http/openapi-rules.ts"
import { findBrowser, startBrowser } from "./browser.ts"
import { createPluginHouse, type PluginHouse } from "./house.ts"

const house = (): Promise<PluginHouse> => createPluginHouse({ plugins: [[docs, {}]], routes: sampleRoutes })

describe("/openapi.json", () => {
  it("is a sound OpenAPI 3.1 document of everything that is mounted, and needs no key", async () => {
    const answer = await (await house()).call("GET", "/openapi.json", { remoteAddress: "203.0.113.9" })
    expect(answer.status).toBe(200)
    expect(documentFaults(answer.json)).toEqual([])
    const names = operationsOf(answer.json).map(({ name }) => name)
    expect(names).toContain("post /api/whatsapp/send")
    expect(names).toContain("get /docs")
    expect(names).not.toContain("get /docs/{file}")
  })
})

describe("/docs", () => {
  it("may load nothing from elsewhere and run nothing inline", async () => {
    const { headers, text } = await (await house()).call("GET", "/docs", { remoteAddress: "203.0.113.9" })
    expect(headers.get("content-type")).toBe("text/html; charset=utf-8")
    const policy = headers.get("content-security-policy") ?? ""
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("script-src 'self';")
    expect(policy).not.toMatch(/https?:|\*/)
    expect(text).not.toMatch(/https?:\/\//)
    expect(text).not.toMatch(/<script>/)
  })

  it("has its parts, with their types, and no others", async () => {
    const parts = await house()
    const typeOf = async (file: string) => (await parts.call("GET", `/docs/${file}`)).headers.get("content-type")
    expect(await typeOf("swagger-ui.css")).toBe("text/css; charset=utf-8")
    expect(await typeOf("swagger-ui-bundle.js")).toBe("text/javascript; charset=utf-8")
    expect(await typeOf("start.js")).toBe("text/javascript; charset=utf-8")
    for (const file of ["package.json", "..%2fpackage.json", "swagger-ui.css%00", "constructor", "toString"]) {
      const answer = await parts.call("GET", `/docs/${file}`)
      expect([answer.status, answer.json.error.code]).toEqual([404, "NOT_FOUND"])
    }
  })

  const browser = findBrowser()
  it.skipIf(browser === undefined)(
    `is readable in a real browser, from this server alone${browser === undefined ? " (install the Debian package chromium)" : ""}`,
    async () => {
      const { http } = await house()
      const server = await listenNode({ host: "127.0.0.1", port: 0, fetch: http.fetch })
      const chromium = await startBrowser(String(browser))
      try {
        const page = await chromium.open(`${server.url}/docs`)
        await page.until(`document.querySelectorAll(".opblock").length === ${sampleRoutes.length + 2}`)
        expect(await page.evaluate("document.body.innerText")).toContain("/api/whatsapp/send")
        await page.evaluate(`document.querySelector(".opblock-post .opblock-summary-control").click()`)
        await page.until(`document.querySelector(".opblock-body") !== null`)
        expect(page.complaints).toEqual([])
        expect(page.requests.filter((url) => !url.startsWith(server.url) && !url.startsWith("data:"))).toEqual([])
      } finally {
        await chromium.close()
        await server.close()
      }
    },
    180_000,
  )
})
